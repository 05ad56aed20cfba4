import {Text} from '@mantine/core';
import type {Forecast} from '../api/client';
import {sentence} from './parts';

function Names({title, names}: {title: string; names: string[]}) {
  if (names.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul className="remedies">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </div>
  );
}

/** What the server found out on a copy of its state. */
export function ForecastText({forecast, nothing}: {forecast: Forecast; nothing?: string}) {
  const silent = forecast.reason === '' && forecast.evicted.length + forecast.shrunk.length + forecast.started.length + forecast.remedies.length === 0;
  return (
    <div className="stack">
      {forecast.reason !== '' && <p className="why-reason">{sentence(forecast.reason)}</p>}
      {forecast.node !== '' && (
        <p className="why-reason">
          On node <strong>{forecast.node}</strong>
        </p>
      )}
      <Names title="Would be stopped for it" names={forecast.evicted} />
      <Names title="Would go on with fewer replicas" names={forecast.shrunk} />
      <Names title="Would start, too" names={forecast.started} />
      <Names title="It would start now if" names={forecast.remedies} />
      {silent && forecast.node === '' && <Text size="sm">{nothing ?? 'Nothing else changes.'}</Text>}
    </div>
  );
}
