import {Button, Select, TextInput} from '@mantine/core';
import {FitAddon} from '@xterm/addon-fit';
import {Terminal} from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import {useEffect, useRef, useState} from 'react';
import {workloadPath, type WorkloadView} from '../api/client';
import {Empty, Panel} from '../components/parts';
import {replicaName} from '../format';
import {splitCommand} from './submit';

// The terminal makes its style elements itself: with the nonce of this page they are allowed.
function nonced(): Document {
  const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement') {
        return (tag: string) => {
          const element = target.createElement(tag);
          if (tag === 'style') element.setAttribute('nonce', nonce);
          return element;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...parts: unknown[]) => unknown).bind(target) : value;
    },
  });
}

export default function TerminalTab({workload}: {workload: WorkloadView}) {
  const running = workload.status.replicas.filter((replica) => replica.state === 'Running');
  const [uid, setUid] = useState<string | null>(null);
  const [command, setCommand] = useState('sh');
  const [session, setSession] = useState(0);
  const [state, setState] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const chosen = running.find((replica) => replica.uid === uid) ?? running[0];

  useEffect(() => {
    if (session === 0 || box.current === null || chosen === undefined) return;
    const terminal = new Terminal({fontSize: 13, cursorBlink: false, screenReaderMode: true, documentOverride: nonced(), theme: {background: '#12171c'}});
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(box.current);
    fit.fit();
    const query = new URLSearchParams([['replica', chosen.uid], ['tty', 'true'], ...splitCommand(command).map((word) => ['command', word])]);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}${workloadPath(workload.spec.project, workload.metadata.name)}/exec?${query}`);
    socket.binaryType = 'arraybuffer';
    const resize = () => {
      fit.fit();
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({columns: terminal.cols, rows: terminal.rows}));
    };
    setState('connecting');
    let opened = false;
    socket.onopen = () => {
      opened = true;
      setState('connected');
      resize();
      terminal.focus();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (typeof event.data !== 'string') {
        terminal.write(new Uint8Array(event.data));
        return;
      }
      const {exitCode} = JSON.parse(event.data) as {exitCode?: number};
      if (exitCode !== undefined) setState(`ended with exit code ${exitCode}`);
    };
    socket.onclose = () => setState((before) => (before.startsWith('ended') ? before : opened ? 'cut off' : 'refused: the replica does not run any more, or is not yours'));
    terminal.onData((text) => socket.readyState === WebSocket.OPEN && socket.send(new TextEncoder().encode(text)));
    const watch = new ResizeObserver(resize);
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      socket.close();
      terminal.dispose();
    };
    // A change of the fields does not end a session; the button begins another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [session]);

  if (running.length === 0) return <Empty title="No replica runs">A terminal opens in a replica while it runs.</Empty>;
  return (
    <Panel>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setSession(session + 1);
        }}
      >
        <Select aria-label="Replica" allowDeselect={false} value={chosen!.uid} onChange={setUid} data={running.map((replica) => ({value: replica.uid, label: replicaName(replica.role, replica.index)}))} w={180} />
        <TextInput aria-label="Command" value={command} onChange={(event) => setCommand(event.currentTarget.value)} />
        <Button type="submit" disabled={splitCommand(command).length === 0}>
          {session === 0 ? 'Open' : 'Open anew'}
        </Button>
        <span className="quiet" role="status">
          {state}
        </span>
      </form>
      <div ref={box} className="terminal" />
    </Panel>
  );
}
