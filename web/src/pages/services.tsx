import {useMemo} from 'react';
import {useWorkloads} from '../api/queries';
import type {WorkloadView} from '../api/client';
import {workloadKey} from '../api/live';
import {Empty, Loaded, PageHead, Panel, StateMark, To, Facts} from '../components/parts';
import {devices as amount} from '../format';
import {usePageTitle} from '../hooks';
import {workloadAddress} from './workloads';
import Metrics from './metrics';

const metricNames: Record<string, string> = {
  concurrency: 'requests in flight of each replica',
  'requests-per-second': 'requests a second of each replica',
  'latency-p95': 'ms p95 latency',
};

export default function Services() {
  usePageTitle('Services');
  const query = useWorkloads();
  const services = useMemo(() => (query.data ?? []).filter((row) => row.spec.kind === 'inference'), [query.data]);
  return (
    <>
      <PageHead title="Services" note="Inference workloads: where they are reached, and how they follow their load" />
      <Loaded query={query}>
        {() =>
          services.length === 0 ? (
            <Empty title="There is no service yet">
              <To to="/submit?kind=inference">Submit an inference workload</To>: it gets an address, and as many replicas as its load needs.
            </Empty>
          ) : (
            <div className="stack">
              {services.map((service) => (
                <Service key={workloadKey(service)} service={service} />
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}

function Service({service}: {service: WorkloadView}) {
  const {status, spec} = service;
  const settings = spec.service ?? {};
  const asleep = status.state === 'pending' && status.replicasWanted === 0 && (settings.minimumReplicas ?? 1) === 0;
  return (
    <Panel title={<To to={workloadAddress(service)}>{workloadKey(service)}</To>} actions={<StateMark state={asleep ? 'suspended' : status.state} />}>
      <div className="stack">
        <Facts
          items={[
            ['Address', status.address === undefined ? '' : <a href={status.address}>{new URL(status.address, location.origin).href}</a>],
            ['Replicas', `${status.replicasRunning} running; between ${settings.minimumReplicas ?? 1} and ${settings.maximumReplicas ?? Math.max(1, settings.minimumReplicas ?? 1)}`],
            ['Scales by', `${amount(settings.target ?? 1)} ${metricNames[settings.metric ?? 'concurrency']}`],
            ['Now', status.reason || (status.state === 'running' ? 'serves' : status.state)],
          ]}
        />
        <Metrics workload={service} />
      </div>
    </Panel>
  );
}
