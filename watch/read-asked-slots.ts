// What jobs asked of pools, by a history: an execution that begins with it goes by those answers. Pure.
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { AskedSlots } from '../graph/asked-slots.ts';

type Marker = temporal.api.history.v1.IMarkerRecordedEventAttributes;

/** As the SDK names the markers of local activities. */
const localActivityMarker = 'core_local_activity';
const askActivity = 'askForSlots';

/** The answer to a request that was made by a local activity; undefined for all other markers. */
export function answerOfMarker({ markerName, details }: Marker): unknown {
  const data = details?.data?.payloads?.[0]?.data;
  const result = details?.result?.payloads?.[0];
  if (markerName !== localActivityMarker || !data || !result) return undefined;
  const { activity_type: type }: { activity_type?: unknown } = JSON.parse(Buffer.from(data).toString());
  return type === askActivity ? defaultPayloadConverter.fromPayload(result) : undefined;
}

/** By job key. What has another form says nothing. */
export function readAskedSlots(answer: unknown): Map<string, AskedSlots> {
  const { granted, waiting } = (isObject(answer) ? answer : {}) as { granted?: unknown; waiting?: unknown };
  const asked = new Map<string, AskedSlots>();
  for (const job of Array.isArray(granted) ? granted : []) asked.set(String(job), { number: null });
  for (const each of Array.isArray(waiting) ? waiting : []) {
    if (isObject(each) && 'job' in each && 'number' in each)
      asked.set(String(each.job), { number: Number(each.number) });
  }
  return asked;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
