import type { Command } from 'commander';
import { GraphrunError, type PoolView } from '../../client/index.ts';
import { readCount, type Session, type Setting, serverCommand } from '../command.ts';
import { UsageError } from '../exit-codes.ts';
import { useColor } from '../io.ts';
import { formatColumns, printable, styleTitles } from '../text.ts';

interface Flags {
  readonly slots?: string;
  readonly description?: string;
  readonly remove: boolean;
}

/** `graphrun pools [name]`: lists pools, or shows, makes, changes or removes one. */
export function poolsCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'pools [name]', pools)
    .summary('lists pools, or makes, changes or removes one')
    .description(
      'Lists pools with what is held of them and how many jobs wait; or shows one, makes or changes it with --slots, ' +
        'removes it with --remove.',
    )
    .option('--slots <number>', 'makes the pool with so many slots, or changes it')
    .option('--description <text>', 'with --slots: what it stands for; stays as it is unless told')
    .option('--remove', 'removes the pool', false);
}

async function pools(session: Session, [name = '']: string[], flags: Flags): Promise<undefined> {
  const { client, note } = session;
  const { slots, description, remove } = flags;
  const changes = slots !== undefined || description !== undefined || remove;
  if (name === '' && changes)
    throw new UsageError('--slots, --description and --remove need the name of a pool.');
  if (remove && slots !== undefined) throw new UsageError('pools takes --slots or --remove, not both.');
  if (description !== undefined && slots === undefined)
    throw new UsageError('--description goes with --slots.');
  if (remove) {
    await client.pools.remove(name);
    note(`removed pool ${name}`);
  } else if (slots !== undefined) {
    const kept = description ?? (await findDescription(session, name));
    show(session, [await client.pools.put(name, { slots: readCount(slots), description: kept })]);
  } else if (name !== '') {
    show(session, [await client.pools.get(name)]);
  } else {
    const items = await client.pools.list();
    session.print({ items }, () => render(items, useColor(session.io.stdout)));
  }
}

/** A change of the slots leaves it as it is; undefined where there is no such pool yet. */
async function findDescription({ client }: Session, name: string): Promise<string | undefined> {
  try {
    return (await client.pools.get(name)).description;
  } catch (error) {
    if (error instanceof GraphrunError && error.code === 'POOL_UNKNOWN') return undefined;
    throw error;
  }
}

function show({ io, print }: Session, items: readonly [PoolView]): void {
  print(items[0], () => render(items, useColor(io.stdout)));
}

function render(items: readonly PoolView[], color: boolean): string {
  if (items.length === 0) return 'no pools';
  const titles = styleTitles(['POOL', 'SLOTS', 'HELD', 'WAITING', 'DESCRIPTION'], color);
  const rows = items.map(({ name, slots, held, waiting, description }) => {
    return [name, String(slots), String(held), String(waiting), printable(description)];
  });
  return formatColumns([titles, ...rows], [1, 2, 3]);
}
