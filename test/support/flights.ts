import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';

/** The folder of the example's CSV files. */
export const flightsData = new URL('../../node_modules/vega-datasets/data/', import.meta.url);

export function readRows(file: string): Record<string, string>[] {
  return parse(readFileSync(new URL(file, flightsData)), { columns: true, bom: true });
}

/** Flights of each airport, departures and arrivals, counted from the CSV file alone; the busiest first. */
export function countFlights(): Map<string, number> {
  const flightsOf = new Map<string, number>();
  for (const { origin = '', destination = '', count } of readRows('flights-airport.csv')) {
    for (const airport of [origin, destination]) {
      flightsOf.set(airport, (flightsOf.get(airport) ?? 0) + Number(count));
    }
  }
  return new Map([...flightsOf].sort(([, a], [, b]) => b - a));
}
