import {Button, Group, Select, Switch, TextInput} from '@mantine/core';
import {useEffect, useMemo, useRef, useState} from 'react';
import {request, segment, workloadPath, type Replica, type WorkloadView} from '../api/client';
import {Empty, ErrorNote, Panel} from '../components/parts';
import {download, replicaName} from '../format';
import {useFilters} from '../hooks';

const mostLines = 20_000;

/** Terminal colours are for terminals. */
// eslint-disable-next-line no-control-regex
export const withoutEscapes = (text: string) => text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '');

/** Text as it arrives, in lines; a carriage return overwrites its line, as progress bars want it. */
export function appendLines(lines: string[], text: string): string[] {
  const next = lines.slice();
  const parts = withoutEscapes(text).split('\n');
  const last = next.pop() ?? '';
  parts[0] = last + parts[0]!;
  for (const part of parts) {
    const whole = part.endsWith('\r') ? part.slice(0, -1) : part;
    next.push(whole.slice(whole.lastIndexOf('\r') + 1));
  }
  return next.length > mostLines ? next.slice(-mostLines) : next;
}

function attemptsOf(workload: WorkloadView): Replica[] {
  return workload.status.replicas.filter((replica) => replica.started !== undefined);
}

export default function Logs({workload}: {workload: WorkloadView}) {
  const filters = useFilters();
  const attempts = attemptsOf(workload);
  const chosen = attempts.find((replica) => replica.uid === filters.text('replica')) ?? attempts[0];
  const [follow, setFollow] = useState(true);
  const search = filters.text('find');
  const [lines, setLines] = useState<string[]>([]);
  const [state, setState] = useState<'reading' | 'ended' | 'broken'>('reading');
  const [error, setError] = useState<unknown>(null);
  const [again, setAgain] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const path = workloadPath(workload.spec.project, workload.metadata.name);

  useEffect(() => {
    if (chosen === undefined) return;
    const abort = new AbortController();
    setLines([]);
    setError(null);
    setState('reading');
    let waiting = '';
    let frame = 0;
    const flush = () => {
      frame = 0;
      const text = waiting;
      waiting = '';
      setLines((before) => appendLines(before, text));
    };
    const read = async () => {
      try {
        const response = await request(`${path}/logs?follow=true&replica=${segment(chosen.uid)}`, {
          headers: {Accept: 'text/plain'},
          signal: abort.signal,
        });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const {done, value} = await reader.read();
          if (done) break;
          waiting += value;
          if (frame === 0) frame = requestAnimationFrame(flush);
        }
        setState('ended');
      } catch (problem) {
        if (abort.signal.aborted) return;
        setError(problem);
        setState('broken');
      }
    };
    void read();
    return () => {
      abort.abort();
      cancelAnimationFrame(frame);
    };
  }, [path, chosen?.uid, again]);

  const needle = search.toLowerCase();
  const shown = useMemo(() => (needle === '' ? lines : lines.filter((line) => line.toLowerCase().includes(needle))), [lines, needle]);
  useEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [shown, follow]);

  if (chosen === undefined) {
    return (
      <Empty title="It has not run yet">
        Its output shows here as soon as a replica starts. Why it waits stands under State.
      </Empty>
    );
  }
  return (
    <Panel>
      <div className="filters">
        <Select
          aria-label="Replica"
          value={chosen.uid}
          onChange={(uid) => filters.set({replica: uid})}
          allowDeselect={false}
          data={attempts.map((replica) => ({
            value: replica.uid,
            label: `${replicaName(replica.role, replica.index)}, attempt ${replica.attempt + 1}: ${replica.state}`,
          }))}
          w={280}
        />
        <TextInput aria-label="Search in the log" placeholder="Search in the log" value={search} onChange={(event) => filters.set({find: event.currentTarget.value})} />
        <Switch label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
        <Group gap="xs" className="grow-end">
          <span className="quiet" role="status">
            {state === 'reading' ? 'live' : state === 'ended' ? 'ended' : 'cut off'}
            {needle !== '' && `, ${shown.length} of ${lines.length} lines`}
          </span>
          <Button variant="default" size="xs" onClick={() => download(`${workload.metadata.name}-${replicaName(chosen.role, chosen.index).replace(' ', '-')}.log`, lines.join('\n'))}>
            Download
          </Button>
        </Group>
      </div>
      {error !== null && <ErrorNote error={error} retry={() => setAgain(again + 1)} />}
      <pre ref={box} className="log" tabIndex={0} aria-label="Log">
        {shown.length === 0 || (shown.length === 1 && shown[0] === '') ? <span className="quiet">{needle === '' ? 'Nothing was written yet.' : 'No line matches.'}</span> : shown.join('\n')}
      </pre>
    </Panel>
  );
}
