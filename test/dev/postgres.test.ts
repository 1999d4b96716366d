import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureDatabase, withClient } from '../../dev/databases.ts';
import { type Home, openHome } from '../../dev/home.ts';
import { choosePorts } from '../../dev/ports.ts';
import { endPostgresOrphan, type PostgresOptions, postgresUrl, startPostgres } from '../../dev/postgres.ts';
import { findPostgresBinaries } from '../../dev/postgres-binaries.ts';
import { choosePlace, clearPlace, existingDataDir } from '../../dev/postgres-place.ts';
import { commandLine, processStart } from '../../dev/processes.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const password = 'a password/with ?&#';
const isRoot = process.getuid?.() === 0;
let home: Home;
let options: PostgresOptions;

beforeAll(async () => {
  home = openHome(join(folder, 'home'));
  options = await optionsFor(
    home,
    choosePlace({ homeDir: home.postgres, binaries: findPostgresBinaries(), key: password }),
  );
});

afterAll(() => endPostgresOrphan(options.place.dataDir));

test('data survives a restart, and a stop leaves no process', async () => {
  const url = postgresUrl({ ...options, database: 'graphrun' });
  const first = await startPostgres(options);
  expect(await ensureDatabase(url)).toBe(true);
  expect(await ensureDatabase(url)).toBe(false);
  await withClient(url, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS value'));
  await Promise.all([first.stop(), first.stop()]);
  expect(await first.exited).toEqual({ code: 0, signal: null });
  expect(processStart(first.pid)).toBeUndefined();
  const second = await startPostgres(options);
  const { rows } = await withClient(url, (client) => client.query('SELECT value FROM kept'));
  await second.stop();
  expect(rows).toEqual([{ value: 42 }]);
});

test('it listens on 127.0.0.1, asks for the password, checks pages and preloads pg_stat_statements', async () => {
  const server = await startPostgres(options);
  const shown = 'SELECT name, setting FROM pg_settings WHERE name = ANY($1)';
  const expected = {
    data_checksums: 'on',
    listen_addresses: '127.0.0.1',
    max_connections: '200',
    shared_preload_libraries: 'pg_stat_statements',
    unix_socket_directories: '',
  };
  const url = postgresUrl({ ...options, database: 'postgres' });
  const { rows } = await withClient(url, (client) => client.query(shown, [Object.keys(expected)]));
  const wrong = postgresUrl({ ...options, database: 'postgres', password: 'wrong' });
  const refused = await withClient(wrong, async () => {}).catch((error: unknown) => String(error));
  await server.stop();
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual(expected);
  expect(refused).toContain('password authentication failed');
});

test('a server that a killed start left on the data is ended, and a new one starts', async () => {
  const orphan = await startPostgres(options);
  const server = await startPostgres(options);
  expect(await orphan.exited).toEqual({ code: 0, signal: null });
  expect(commandLine(server.pid)).toContain(options.place.dataDir);
  await server.stop();
});

test("a pid file that names another program's process is no hindrance", async () => {
  writeFileSync(join(options.place.dataDir, 'postmaster.pid'), `${process.pid}\n`);
  expect(await endPostgresOrphan(options.place.dataDir)).toBeUndefined();
  await (await startPostgres(options)).stop();
});

test('a start that fails says why, with the end of the log', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(options.port, '127.0.0.1', resolve));
  try {
    await expect(startPostgres(options)).rejects.toThrow(
      /postgres did not start: [\s\S]*Address already in use/,
    );
  } finally {
    other.close();
  }
  expect(existsSync(join(options.place.dataDir, 'postmaster.pid'))).toBe(false);
});

test('data of another major version is refused with the way out', async () => {
  const file = join(options.place.dataDir, 'PG_VERSION');
  writeFileSync(file, '17\n');
  await expect(startPostgres(options)).rejects.toThrow(
    /made by Postgres 17, and this Graphrun brings Postgres 18.*--fresh/,
  );
  writeFileSync(file, '18\n');
});

test.runIf(isRoot)(
  'as root, binaries and data that Postgres’ user cannot reach move to the shelter',
  async () => {
    const hidden = join(folder, 'hidden');
    const shelter = join(folder, 'shelter');
    const notes: string[] = [];
    const closed = openHome(join(hidden, 'home'));
    const { dir: packaged } = findPostgresBinaries();
    const binaries = { dir: join(hidden, 'native'), version: '18.0.0-test' };
    execFileSync('cp', ['-a', packaged, binaries.dir]);
    chmodSync(hidden, 0o700);
    const choose = () =>
      choosePlace({
        homeDir: closed.postgres,
        binaries,
        key: 'k',
        shelter,
        note: (text) => notes.push(text),
      });
    const place = choose();
    expect(notes).toHaveLength(2);
    expect(place.dataDir.startsWith(`${shelter}/data-`)).toBe(true);
    const server = await startPostgres(await optionsFor(closed, place));
    await server.stop();
    expect(choose()).toEqual(place);
    expect(existingDataDir({ homeDir: closed.postgres, key: 'k', shelter })).toBe(place.dataDir);
    clearPlace({ homeDir: closed.postgres, key: 'k', shelter });
    expect(readdirSync(shelter)).toEqual(['postgres-18.0.0-test']);
  },
);

test.runIf(isRoot)('data that has become unreachable is left as it is, with a message that says so', () => {
  const parent = join(folder, 'closing');
  const closing = openHome(join(parent, 'home'));
  // Reached at all times: this checkout itself may lie where only root gets to.
  const shelter = join(folder, 'beside');
  const choose = () =>
    choosePlace({ homeDir: closing.postgres, binaries: findPostgresBinaries(), key: 'c', shelter });
  const kept = join(choose().dataDir, 'kept');
  mkdirSync(kept, { recursive: true });
  chmodSync(parent, 0o700);
  expect(choose).toThrow(/cannot get to its data in .*chmod o\+x/);
  expect(existsSync(kept)).toBe(true);
});

test.runIf(isRoot)(
  'data in the shelter whose home vanished from the temporary folder is cleared away',
  async () => {
    const shelter = join(folder, 'shelter-2');
    const place = (name: string) => {
      const closed = openHome(join(folder, name, 'home'));
      chmodSync(join(folder, name), 0o700);
      return choosePlace({ homeDir: closed.postgres, binaries: findPostgresBinaries(), key: name, shelter });
    };
    const gone = place('gone');
    rmSync(join(folder, 'gone'), { recursive: true });
    const next = place('next');
    expect(existsSync(gone.dir)).toBe(false);
    expect(existsSync(next.dir)).toBe(true);
  },
);

async function optionsFor(of: Home, place: PostgresOptions['place']): Promise<PostgresOptions> {
  const { postgres: port } = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  return { place, port, password, logFile: join(of.logs, 'postgres.log') };
}
