import {useMemo} from 'react';
import type {WorkloadView} from '../api/client';
import {useWorkloadSeries, type Point} from '../api/queries';
import Chart from '../components/chart';
import {Empty, Loaded, Panel} from '../components/parts';
import {bytes, devices as amount} from '../format';

const milliseconds = (value: number) => `${amount(value)} ms`;
const mebibytes = (value: number) => bytes(value * 1024 * 1024);

export default function Metrics({workload}: {workload: WorkloadView}) {
  const query = useWorkloadSeries(workload.spec.project, workload.metadata.name);
  return (
    <Loaded query={query}>
      {(points) => (points.length === 0 ? <Empty title="No sample yet">One is taken every ten seconds while it runs or waits, and kept for a day.</Empty> : <Charts points={points} service={workload.spec.kind === 'inference'} />)}
    </Loaded>
  );
}

/** What a workload held and used, and of a service what reached it. */
export function Charts({points, service}: {points: Point[]; service: boolean}) {
  const times = useMemo(() => points.map((point) => point.time), [points]);
  const of = (name: keyof Point) => points.map((point) => (point[name] as number | null | undefined) ?? null);
  const lines = useMemo(
    () => ({
      devices: [
        {label: 'held', colour: '--bar-allocated', values: of('allocated'), filled: true},
        {label: 'in use', colour: '--move', values: of('used')},
      ],
      memory: [{label: 'device memory', colour: '--move', values: of('memoryUsedMiB'), filled: true}],
      replicas: [
        {label: 'running', colour: '--bar-allocated', values: of('replicas'), filled: true},
        {label: 'wanted', colour: '--quiet', values: of('replicasWanted'), dashed: true},
      ],
      rate: [{label: 'requests a second', colour: '--move', values: of('requestsPerSecond'), filled: true}],
      latency: [{label: 'p95 latency', colour: '--bar-waiting', values: of('latencyP95Milliseconds')}],
      held: [
        {label: 'held', colour: '--bar-waiting', values: of('requestsHeld'), filled: true},
        {label: 'in flight', colour: '--bar-allocated', values: of('requestsInFlight')},
      ],
    }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [points],
  );
  return (
    <div className="columns">
      <Panel title="Devices">
        <Chart label="Devices" times={times} lines={lines.devices} height={170} />
      </Panel>
      <Panel title="Replicas">
        <Chart label="Replicas" times={times} lines={lines.replicas} height={170} />
      </Panel>
      {service ? (
        <>
          <Panel title="Load">
            <Chart label="Requests a second" times={times} lines={lines.rate} height={170} />
          </Panel>
          <Panel title="Latency, to the first byte">
            <Chart label="p95 latency" times={times} lines={lines.latency} height={170} format={milliseconds} />
          </Panel>
          <Panel title="Requests">
            <Chart label="Requests" times={times} lines={lines.held} height={170} />
          </Panel>
        </>
      ) : (
        <Panel title="Device memory used">
          <Chart label="Device memory used" times={times} lines={lines.memory} height={170} format={mebibytes} />
        </Panel>
      )}
    </div>
  );
}
