// A real platform with real work for the tests of the console, and a real browser.
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {chromium} from 'playwright-core';

const program = process.env.FAIRLEAD_PROGRAM;
const examples = process.env.FAIRLEAD_EXAMPLES;

export async function until(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > end) throw new Error(`it did not come to pass within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export class Platform {
  static async start(devices = '8x H100-80GB, 4x MI300X-192GB') {
    const platform = new Platform();
    platform.state = mkdtempSync(join(tmpdir(), 'fairlead-console-'));
    platform.process = spawn(program, ['up', '--state', platform.state, '--simulate-devices', devices, '--port', '0', '--stop-workloads'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    platform.process.stdout.on('data', (bytes) => (text += bytes));
    await until('the platform says where it is', () => /sign-in\?code=\S+/.test(text));
    platform.port = Number(/http:\/\/[\d.]+:(\d+)\//.exec(text)[1]);
    await platform.listen();
    platform.code = /sign-in\?code=(\S+)/.exec(text)[1];
    return platform;
  }

  /** The browser comes through a relay, so that its connections can be cut. */
  async listen() {
    this.sockets = new Set();
    this.isCut = false;
    this.relay = net.createServer((client) => {
      if (this.isCut) {
        client.destroy();
        return;
      }
      const server = net.connect(this.port, '127.0.0.1');
      for (const socket of [client, server]) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server).pipe(client);
    });
    await new Promise((resolve) => this.relay.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.relay.address().port}`;
  }
  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }
  mend() {
    this.isCut = false;
  }

  async stop() {
    this.relay.close();
    this.cut();
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGINT');
    await ended;
    rmSync(this.state, {recursive: true, force: true});
  }

  /** Through the Unix socket, as the administrator: what the browser's doings are checked against. */
  ask(method, path, body) {
    return new Promise((resolve, reject) => {
      const request = http.request({socketPath: join(this.state, 'socket'), method, path, headers: {Host: 'fairlead', 'Content-Type': 'application/json'}}, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (text += part));
        response.on('end', () => {
          let value;
          try {
            value = JSON.parse(text);
          } catch {
            value = text;
          }
          resolve({status: response.statusCode, body: value});
        });
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
  async get(path) {
    return (await this.ask('GET', path)).body;
  }
  async must(method, path, body) {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  submit(name, spec) {
    return this.must('POST', '/api/v1/workloads', {metadata: {name}, spec});
  }
  async workload(key) {
    const {status, body} = await this.ask('GET', `/api/v1/workloads/${key}`);
    return status === 200 ? body : null;
  }
  state_of(key, state) {
    return until(`${key} is ${state}`, async () => (await this.workload(key))?.status.state === state, 60);
  }

  /** Two departments that share the devices, and work in each state. */
  async populate() {
    const queue = (name, parent, quota, displayName) => this.must('POST', '/api/v1/queues', {name, parent, displayName, resources: {gpu: {quota}}});
    await queue('research', '', 6);
    await queue('serving', '', 4);
    await queue('language', 'research', 4);
    await queue('vision', 'research', 2);
    await queue('chat', 'serving', 4);
    for (const [name, role, where] of [
      ['ada', 'researcher', 'language'],
      ['vic', 'viewer', 'research'],
      ['dana', 'department-administrator', 'research'],
    ]) {
      await this.must('PUT', `/api/v1/users/${name}`, {password: 'correct horse battery'});
      await this.must('POST', '/api/v1/access-rules', {user: name, role, queue: where});
    }
    await this.submit('pretrain', {
      project: 'language',
      kind: 'training',
      command: [join(examples, 'example_training'), '--steps', '100000', '--pace', '50'],
      replicas: 6,
      minimumReplicas: 2,
      devices: {count: 1},
      checkpoint: {signal: 'SIGUSR1', file: 'state'},
    });
    await this.submit('segment', {project: 'vision', kind: 'training', command: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo "epoch $i loss 0.$((1000 - i))"; sleep 1; done'], replicas: 2, devices: {count: 1, model: 'MI300X-192GB'}});
    await this.submit('notebook', {project: 'vision', kind: 'workspace', command: ['sleep', '100000'], devices: {fraction: 0.5}});
    await this.submit('assistant', {
      project: 'chat',
      kind: 'inference',
      command: [join(examples, 'example_service')],
      devices: {count: 1},
      service: {minimumReplicas: 1, maximumReplicas: 3, metric: 'concurrency', target: 2},
    });
    await this.submit('evaluate', {project: 'language', command: ['sh', '-c', 'echo accuracy 0.91'], devices: {count: 0}});
    await this.submit('broken', {project: 'vision', command: ['sh', '-c', 'echo cannot read the data >&2; exit 3'], retries: 0, devices: {count: 0}});
    await this.submit('giant', {project: 'vision', kind: 'training', command: ['sleep', '1'], replicas: 16, devices: {count: 1}, preemptible: false});
    await this.state_of('language/pretrain', 'running');
    await this.state_of('vision/segment', 'running');
    await this.state_of('language/evaluate', 'succeeded');
    await this.state_of('vision/broken', 'failed');
    await this.state_of('chat/assistant', 'running');
  }
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/** A window of its own, signed in, that keeps what goes wrong in it. */
export async function open(browser, platform, {width = 1280, height = 850, scheme = 'light', user = null} = {}) {
  const context = await browser.newContext({viewport: {width, height}, colorScheme: scheme, acceptDownloads: true, reducedMotion: 'reduce', baseURL: platform.url});
  const page = await context.newPage();
  page.problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.problems.push(message.text());
  });
  page.on('pageerror', (error) => page.problems.push(String(error)));
  const {code} = user === 'none' ? {} : await platform.must('POST', `/api/v1/users/${user ?? (await platform.get('/api/v1/session')).user}/code`);
  if (code !== undefined) {
    await page.goto(`/sign-in?code=${code}`);
    await page.getByRole('button', {name: 'Sign in'}).click();
    await page.getByRole('heading', {name: 'Overview', level: 1}).waitFor();
  }
  return page;
}
