import {SegmentedControl, TextInput} from '@mantine/core';
import {useVirtualizer} from '@tanstack/react-virtual';
import {memo, useMemo, useRef} from 'react';
import {Link, useParams} from 'react-router-dom';
import type {Device, Node} from '../api/client';
import {useDevices, useHistory, useNodes} from '../api/queries';
import {Grid, type Column} from '../components/grid';
import {Empty, Facts, Instant, Loaded, PageHead, Panel, Simulated, To} from '../components/parts';
import {eventTitle} from '../events';
import {bytes, devices as amount, percent, unknown} from '../format';
import {useFilters, usePageTitle} from '../hooks';
import {idleBelow} from './overview';

const colourings = [
  {value: 'allocation', label: 'Allocation'},
  {value: 'use', label: 'Use'},
  {value: 'owner', label: 'Owner'},
  {value: 'health', label: 'Health'},
];

const deviceAddress = (identity: string) => `/devices/${encodeURIComponent(identity)}`;
export const isIdle = (device: Device) => device.allocated > 0 && device.utilisation !== null && device.utilisation !== undefined && device.utilisation < idleBelow;

/** A stable place on the colour wheel for a name. */
export function hue(name: string): number {
  let sum = 7;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)!) % 3600;
  return (sum * 137) % 360;
}

/** What a device's square says, in words as in colour. */
export function describe(device: Device): string {
  const parts = [`${device.model}, device ${device.slot} of ${device.node}`];
  if (!device.healthy) parts.push(`withdrawn: ${device.message ?? 'not healthy'}`);
  else parts.push(device.allocated === 0 ? 'free' : `${percent(device.allocated)} allocated to ${[...device.workloads, ...(device.otherWorkloads > 0 ? [`${device.otherWorkloads} others`] : [])].join(', ')}`);
  if (device.utilisation !== null && device.utilisation !== undefined) parts.push(`${percent(device.utilisation)} in use`);
  if (device.simulated) parts.push('simulated');
  return parts.join('; ');
}

const Square = memo(function Square({device, colouring}: {device: Device; colouring: string}) {
  let fill: React.CSSProperties = {};
  const owner = device.workloads[0];
  if (colouring === 'allocation' || colouring === 'owner') fill = {height: `${100 * Math.min(1, device.allocated)}%`};
  if (colouring === 'use') fill = {height: `${100 * (device.utilisation ?? 0)}%`};
  if (colouring === 'owner') fill.background = owner === undefined ? undefined : `oklch(0.62 0.13 ${hue(owner.split('/')[0]!)})`;
  return (
    <Link to={deviceAddress(device.identity)} className={`square square-${colouring} ${device.healthy ? '' : 'square-bad'} ${device.simulated ? 'square-simulated' : ''}`} aria-label={describe(device)} title={describe(device)}>
      <span className="square-fill" style={fill} />
      {!device.healthy && <span aria-hidden="true">✕</span>}
    </Link>
  );
});

export default function Devices() {
  usePageTitle('Devices');
  const {device: identity} = useParams();
  const devices = useDevices();
  const nodes = useNodes();
  return (
    <Loaded query={devices}>
      {(list) => {
        if (identity !== undefined) {
          const device = list.find((one) => one.identity === identity);
          return device === undefined ? (
            <Empty title={`There is no device ${identity}`}>
              <To to="/devices">See all devices</To>
            </Empty>
          ) : (
            <DevicePage device={device} />
          );
        }
        return <Loaded query={nodes}>{(all) => <Fleet devices={list} nodes={all} />}</Loaded>;
      }}
    </Loaded>
  );
}

function Fleet({devices, nodes}: {devices: Device[]; nodes: Node[]}) {
  const filters = useFilters();
  const colouring = filters.text('colour') || 'allocation';
  const show = filters.text('show') || 'all';
  const text = filters.text('q').toLowerCase();
  const byNode = useMemo(() => {
    const map = new Map<string, Device[]>();
    for (const device of devices) {
      if (text !== '' && !`${device.node} ${device.model} ${device.identity} ${device.workloads.join(' ')}`.toLowerCase().includes(text)) continue;
      if (show === 'idle' && !isIdle(device)) continue;
      if (show === 'free' && device.allocated >= 1) continue;
      if (show === 'bad' && device.healthy) continue;
      const of = map.get(device.node);
      if (of === undefined) map.set(device.node, [device]);
      else of.push(device);
    }
    return map;
  }, [devices, text, show]);
  const shown = nodes.filter((node) => byNode.has(node.name));
  const simulated = devices.filter((device) => device.simulated).length;
  return (
    <>
      <PageHead
        title="Nodes and devices"
        note={
          <span className="row">
            {devices.length} devices on {nodes.length} {nodes.length === 1 ? 'node' : 'nodes'}
            {simulated > 0 && <Simulated />}
          </span>
        }
      />
      <div className="filters">
        <TextInput aria-label="Search" placeholder="Search node, model, workload" value={filters.text('q')} onChange={(event) => filters.set({q: event.currentTarget.value})} />
        <SegmentedControl aria-label="Colour by" value={colouring} onChange={(colour) => filters.set({colour})} data={colourings} />
        <SegmentedControl
          aria-label="Show"
          value={show}
          onChange={(next) => filters.set({show: next === 'all' ? null : next})}
          data={[
            {value: 'all', label: 'All'},
            {value: 'free', label: 'With room'},
            {value: 'idle', label: 'Idle'},
            {value: 'bad', label: 'Withdrawn'},
          ]}
        />
      </div>
      {shown.length === 0 ? (
        <Empty title={devices.length === 0 ? 'This platform has no devices' : 'No device matches'}>
          {devices.length === 0 ? (
            <>
              Start it with <code>fairlead up --simulate-devices "8x H100-80GB"</code> to try it out.
            </>
          ) : (
            <To to="/devices">Show all</To>
          )}
        </Empty>
      ) : (
        <FleetMap nodes={shown} byNode={byNode} colouring={colouring} />
      )}
      <div className="map-table">
        <NodeGrid nodes={nodes} devices={devices} />
      </div>
    </>
  );
}

/** Each node with its devices; of a large fleet only the rows in sight are drawn. */
function FleetMap({nodes, byNode, colouring}: {nodes: Node[]; byNode: Map<string, Device[]>; colouring: string}) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({count: nodes.length, getScrollElement: () => box.current, estimateSize: () => 84, overscan: 6});
  return (
    <div ref={box} className="map" tabIndex={0} role="region" aria-label="Map of the devices">
      <div style={{height: virtual.getTotalSize(), position: 'relative'}}>
        {virtual.getVirtualItems().map((item) => {
          const node = nodes[item.index]!;
          return (
            <div key={node.name} ref={virtual.measureElement} data-index={item.index} className="map-node" style={{transform: `translateY(${item.start}px)`}}>
              <div className="map-name">
                <To to={`/nodes/${encodeURIComponent(node.name)}`}>{node.name}</To>
                <small>
                  {amount(node.devicesAllocated)} of {node.devices.length} allocated{node.ready ? '' : ', not ready'}
                </small>
              </div>
              <div className="squares">
                {byNode.get(node.name)!.map((device) => (
                  <Square key={device.identity} device={device} colouring={colouring} />
                ))}
              </div>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function NodeGrid({nodes, devices}: {nodes: Node[]; devices: Device[]}) {
  const columns = useMemo<Column<Node>[]>(() => {
    const models = new Map<string, Set<string>>();
    const healthy = new Map<string, number>();
    for (const device of devices) {
      if (!models.has(device.node)) models.set(device.node, new Set());
      models.get(device.node)!.add(device.model);
      if (device.healthy) healthy.set(device.node, (healthy.get(device.node) ?? 0) + 1);
    }
    return [
      {id: 'node', title: 'Node', width: 160, grow: true, narrow: true, value: (row) => row.name, cell: (row) => <To to={`/nodes/${encodeURIComponent(row.name)}`}>{row.name}</To>},
      {id: 'state', title: 'State', width: 90, narrow: true, value: (row) => (row.ready ? 'ready' : 'not ready')},
      {id: 'models', title: 'Models', width: 160, grow: true, value: (row) => [...(models.get(row.name) ?? [])].join(', ')},
      {id: 'ready', title: 'Devices ready', width: 120, numeric: true, value: (row) => healthy.get(row.name) ?? 0, cell: (row) => `${healthy.get(row.name) ?? 0} / ${row.devices.length}`},
      {id: 'allocated', title: 'Allocated', width: 100, numeric: true, narrow: true, value: (row) => row.devicesAllocated, cell: (row) => amount(row.devicesAllocated)},
      {id: 'cpu', title: 'CPU allocated', width: 130, numeric: true, value: (row) => row.cpuAllocated, cell: (row) => `${amount(row.cpuAllocated)} / ${amount(row.cpu)}`},
      {id: 'memory', title: 'Memory allocated', width: 170, numeric: true, value: (row) => row.memoryAllocated, cell: (row) => `${bytes(row.memoryAllocated)} / ${bytes(row.memory)}`},
      {id: 'isolation', title: 'Isolation', width: 110, value: (row) => row.isolation},
    ];
  }, [devices]);
  return <Grid name="nodes" label="Nodes" rows={nodes} columns={columns} rowId={(row) => row.name} link={(row) => `/nodes/${encodeURIComponent(row.name)}`} height="20rem" empty={<Empty title="No node yet" />} />;
}

export function NodePage() {
  const {node: name = ''} = useParams();
  usePageTitle(name);
  const nodes = useNodes();
  const devices = useDevices();
  return (
    <Loaded query={nodes}>
      {(list) => {
        const node = list.find((one) => one.name === name);
        if (node === undefined) {
          return (
            <Empty title={`There is no node ${name}`}>
              <To to="/devices">See all nodes</To>
            </Empty>
          );
        }
        const own = (devices.data ?? []).filter((device) => device.node === name);
        return (
          <div className="stack">
            <PageHead title={node.name} note={<span className="row">{node.ready ? 'ready' : 'not ready'} {node.simulated && <Simulated />}</span>} />
            <Panel title="The node">
              <Facts
                items={[
                  ['Devices', `${amount(node.devicesAllocated)} of ${node.devices.length} allocated`],
                  ['CPU', `${amount(node.cpuAllocated)} of ${amount(node.cpu)} cores allocated`],
                  ['Memory', `${bytes(node.memoryAllocated)} of ${bytes(node.memory)} allocated`],
                  ['Isolation', node.isolation],
                  ['Not enforced here', node.notEnforced.length === 0 ? 'nothing: all limits hold' : node.notEnforced.join(', ')],
                ]}
              />
            </Panel>
            <DeviceGrid devices={own} />
            <HistoryOf subject={`node ${name}`} />
          </div>
        );
      }}
    </Loaded>
  );
}

function DeviceGrid({devices}: {devices: Device[]}) {
  return (
    <Grid
      name="devices"
      label="Devices"
      rows={devices}
      rowId={(row) => row.identity}
      link={(row) => deviceAddress(row.identity)}
      height="26rem"
      empty={<Empty title="This node has no devices" />}
      columns={deviceColumns}
    />
  );
}

const deviceColumns: Column<Device>[] = [
  {id: 'slot', title: 'Slot', width: 60, numeric: true, narrow: true, value: (row) => row.slot},
  {id: 'device', title: 'Device', width: 220, grow: true, narrow: true, value: (row) => row.identity, cell: (row) => <To to={deviceAddress(row.identity)}>{row.identity}</To>},
  {id: 'model', title: 'Model', width: 120, value: (row) => row.model},
  {id: 'state', title: 'State', width: 90, value: (row) => (row.healthy ? 'healthy' : 'withdrawn')},
  {id: 'allocated', title: 'Allocated', width: 96, numeric: true, narrow: true, value: (row) => row.allocated, cell: (row) => percent(row.allocated)},
  {id: 'use', title: 'In use', width: 80, numeric: true, value: (row) => row.utilisation ?? null, cell: (row) => percent(row.utilisation)},
  {id: 'memory', title: 'Memory used', width: 160, numeric: true, value: (row) => row.memoryUsedMiB ?? null, cell: (row) => `${row.memoryUsedMiB === null || row.memoryUsedMiB === undefined ? unknown : bytes(row.memoryUsedMiB * 1024 * 1024)} / ${bytes(row.memoryMiB * 1024 * 1024)}`},
  {id: 'workloads', title: 'Workloads', width: 180, grow: true, value: (row) => row.workloads.join(' '), cell: (row) => <Workloads device={row} />},
];

function Workloads({device}: {device: Device}) {
  if (device.workloads.length + device.otherWorkloads === 0) return <>{unknown}</>;
  return (
    <span className="clip">
      {device.workloads.map((name) => (
        <span key={name}>
          <To to={`/workloads/${name}`}>{name}</To>{' '}
        </span>
      ))}
      {device.otherWorkloads > 0 && `and ${device.otherWorkloads} of others`}
    </span>
  );
}

function DevicePage({device}: {device: Device}) {
  usePageTitle(device.identity);
  return (
    <div className="stack">
      <PageHead title={device.identity} note={<span className="row">{device.healthy ? 'healthy' : `withdrawn: ${device.message ?? 'not healthy'}`} {device.simulated && <Simulated />}</span>} />
      <Panel title="The device">
        <Facts
          items={[
            ['Model', `${device.model} (${device.vendor})`],
            ['Node', <To to={`/nodes/${encodeURIComponent(device.node)}`}>{`${device.node}, slot ${device.slot}`}</To>],
            ['Allocated', percent(device.allocated)],
            ['Workloads', <Workloads device={device} />],
            ['In use', percent(device.utilisation)],
            ['Memory', `${device.memoryUsedMiB === null || device.memoryUsedMiB === undefined ? unknown : bytes(device.memoryUsedMiB * 1024 * 1024)} of ${bytes(device.memoryMiB * 1024 * 1024)}`],
            ['Power', device.powerWatts === null || device.powerWatts === undefined ? unknown : `${amount(device.powerWatts)} W`],
            ['Temperature', device.temperatureCelsius === null || device.temperatureCelsius === undefined ? unknown : `${amount(device.temperatureCelsius)} °C`],
          ]}
        />
      </Panel>
      <HistoryOf subject={`device ${device.identity}`} />
    </div>
  );
}

function HistoryOf({subject}: {subject: string}) {
  const history = useHistory();
  const name = subject.split(' ')[1]!;
  return (
    <Panel title="Lately">
      <Loaded query={history}>
        {(events) => {
          const own = events
            .filter((event) => event.subject === subject || event.details['node'] === name || String(event.details['devices'] ?? '').split(',').includes(name))
            .slice(-30)
            .reverse();
          if (own.length === 0) return <Empty title="Nothing lately" />;
          return (
            <ul className="events">
              {own.map((event) => (
                <li key={event.position}>
                  <span className="event-time">
                    <Instant at={event.time} />
                  </span>
                  <div>
                    {event.subject.startsWith('workload ') ? <To to={`/workloads/${event.subject.slice(9)}`}>{event.subject.slice(9)}</To> : event.subject} {eventTitle(event)}
                  </div>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}
