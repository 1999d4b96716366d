import { defineGraph } from '../../graphrun.ts';

export default defineGraph({
  project: 'flights',
  jobs: {
    airports: { kind: 'upload', config: { file: 'airports.csv' } },
    routes: { kind: 'upload', config: { file: 'flights-airport.csv' } },

    busiest: {
      kind: 'transform',
      config: {
        sql: `
          with movements as (
            select origin as iata, count as departures, 0 as arrivals from {{ ref('routes') }}
            union all
            select destination, 0, count from {{ ref('routes') }}
          )
          select iata, airport.name, airport.city, airport.state,
            sum(departures)::bigint as departures, sum(arrivals)::bigint as arrivals,
            sum(departures + arrivals)::bigint as flights
          from movements left join {{ ref('airports') }} as airport using (iata)
          group by iata, airport.name, airport.city, airport.state
          order by flights desc, iata`,
      },
    },

    distances: {
      kind: 'transform',
      config: {
        // The haversine formula, on a sphere of the Earth's mean radius.
        sql: `
          select routes.origin, routes.destination, routes.count as flights,
            round((2 * 6371.0088 * asin(least(1, sqrt(
              sin(radians(b.latitude - a.latitude) / 2) ^ 2
              + cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(radians(b.longitude - a.longitude) / 2) ^ 2
            ))))::numeric, 1) as kilometres
          from {{ ref('routes') }} as routes
            join {{ ref('airports') }} as a on a.iata = routes.origin
            join {{ ref('airports') }} as b on b.iata = routes.destination
          order by kilometres desc, origin, destination`,
      },
    },

    summary: {
      kind: 'transform',
      config: {
        sql: `
          select busiest.iata, busiest.name, busiest.flights, count(*) as destinations,
            round(sum(distances.flights * distances.kilometres) / sum(distances.flights), 1) as mean_kilometres,
            max(distances.kilometres) as longest_kilometres
          from {{ ref('busiest') }} as busiest
            join {{ ref('distances') }} as distances on distances.origin = busiest.iata
          group by busiest.iata, busiest.name, busiest.flights
          order by busiest.flights desc, busiest.iata
          limit 20`,
      },
    },
  },
});
