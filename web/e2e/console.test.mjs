// Every page and every action of the console in a real browser on a real platform; what an action did is read back
// through the API.
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {launch, open, Platform, until} from './platform.mjs';

const out = process.env.OUT ?? 'artefacts';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const script = '<img src=x onerror="window.injected=1"><script>window.injected=1</script>';

let platform;
let browser;

before(async () => {
  mkdirSync(out, {recursive: true});
  platform = await Platform.start();
  await platform.populate();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await platform?.stop();
});

const pages = [
  ['overview', '/', 'Overview'],
  ['workloads', '/workloads', 'Workloads'],
  ['workloads-filtered', '/workloads?state=pending,back-off&project=vision', 'Workloads'],
  ['workload', '/workloads/language/pretrain', 'language/pretrain'],
  ['workload-waits', '/workloads/vision/giant', 'vision/giant'],
  ['workload-timeline', '/workloads/language/pretrain/timeline', 'language/pretrain'],
  ['workload-logs', '/workloads/vision/segment/logs', 'vision/segment'],
  ['workload-metrics', '/workloads/language/pretrain/metrics', 'language/pretrain'],
  ['workload-terminal', '/workloads/vision/segment/terminal', 'vision/segment'],
  ['workload-spec', '/workloads/language/pretrain/spec', 'language/pretrain'],
  ['workload-gone', '/workloads/vision/nothing', null],
  ['submit', '/submit', 'Submit work'],
  ['submit-inference', '/submit?kind=inference', 'Submit work'],
  ['queues', '/queues', 'Queues'],
  ['queue', '/queues/language', 'language'],
  ['devices', '/devices', 'Nodes and devices'],
  ['devices-use', '/devices?colour=use', 'Nodes and devices'],
  ['device', '/devices/simulated-nvidia-H100-80GB-0', 'simulated-nvidia-H100-80GB-0'],
  ['services', '/services', 'Services'],
  ['access', '/access', 'Access'],
  ['access-users', '/access/users', 'Access'],
  ['access-rules', '/access/rules', 'Access'],
  ['access-audit', '/access/audit', 'Access'],
];

async function settled(page) {
  await page.waitForLoadState('domcontentloaded');
  await page.locator('[role="status"][aria-label="Loading"]').first().waitFor({state: 'detached'});
}

async function check(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
  await page.evaluate(axe);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']}));
  const told = violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any.map((any) => any.message).join(' ')}`).join(' | ')}`);
  assert.deepEqual(told, [], `${name} has accessibility problems`);
  assert.deepEqual(page.problems, [], `${name} wrote to the browser's console`);
  assert.equal(await page.evaluate(() => globalThis.injected), undefined, `a script ran on ${name}`);
}

for (const scheme of ['light', 'dark']) {
  for (const width of [1280, 390]) {
    describe(`each page in ${scheme} colours at ${width} px`, () => {
      let page;
      before(async () => {
        page = await open(browser, platform, {scheme, width});
      });
      after(() => page.context().close());
      for (const [name, path, title] of pages) {
        test(name, async () => {
          await page.goto(path);
          await settled(page);
          if (title !== null) assert.equal((await page.getByRole('heading', {level: 1}).first().textContent()).trim(), title);
          await page.waitForTimeout(150);
          await page.screenshot({path: join(out, `${name}-${scheme}-${width}.png`)});
          await check(page, name);
        });
      }
    });
  }
}

test('the first load is under 300 kB compressed', async () => {
  const page = await open(browser, platform);
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', {cacheDisabled: true});
  let bytes = 0;
  client.on('Network.loadingFinished', ({encodedDataLength}) => (bytes += encodedDataLength));
  await page.goto('/');
  await page.locator('.tile').first().waitFor();
  await page.waitForTimeout(1000);
  console.log(`First load: ${Math.round(bytes / 1000)} kB over the wire, with the API's answers.`);
  assert.ok(bytes < 300_000, `${bytes} bytes`);
  await page.context().close();
});

test('the pages carry a strict policy, and the cookie stays on its site', async () => {
  const page = await open(browser, platform);
  for (const path of ['/', '/workloads', '/sign-in?code=x']) {
    const policy = (await page.goto(path)).headers()['content-security-policy'];
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
  }
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.sameSite, 'Strict');
  assert.equal(cookie.httpOnly, true);
  await page.context().close();
});

for (const [scheme, width] of [
  ['light', 1280],
  ['dark', 390],
]) {
  describe(`actions in ${scheme} colours at ${width} px`, () => {
    let page;
    const suffix = `${width}`;
    before(async () => {
      page = await open(browser, platform, {scheme, width});
    });
    after(async () => {
      const {problems} = page;
      await page.context().close();
      assert.deepEqual(problems, []);
    });

    test('signing in with a password', async () => {
      const other = await open(browser, platform, {scheme, width, user: 'none'});
      await other.goto('/workloads');
      await other.getByLabel('User').fill('ada');
      await other.getByLabel('Password', {exact: true}).fill('not the password');
      await other.getByRole('button', {name: 'Sign in', exact: true}).click();
      await other.getByRole('alert').waitFor();
      await other.screenshot({path: join(out, `sign-in-${scheme}-${width}.png`)});
      other.problems = [];
      await other.getByLabel('Password', {exact: true}).fill('correct horse battery');
      await other.getByRole('button', {name: 'Sign in', exact: true}).click();
      await other.getByRole('heading', {name: 'Workloads', level: 1}).waitFor();
      assert.ok(!(await other.evaluate(() => JSON.stringify([localStorage, sessionStorage, location.href]))).includes('fairlead_'), 'no token is kept where scripts reach it');
      await other.getByRole('button', {name: 'ada'}).click();
      await other.getByRole('menuitem', {name: 'Sign out'}).click();
      await other.getByRole('button', {name: 'Sign in', exact: true}).waitFor();
      await other.context().close();
    });

    test('submitting by form, tried out first', async () => {
      await page.goto('/submit');
      await page.getByLabel('Name').fill(`made-${suffix}`);
      await page.getByRole('textbox', {name: 'Project'}).click();
      await page.getByRole('option', {name: 'vision', exact: true}).click();
      await page.getByLabel('Command', {exact: false}).first().fill("sh -c 'echo it runs; sleep 600'");
      await page.getByLabel('Devices of each replica').fill('0');
      await page.getByLabel('Replicas', {exact: true}).fill('2');
      await page.getByLabel('At least').fill('1');
      const yaml = await page.getByLabel('YAML').inputValue();
      assert.match(yaml, new RegExp(`name: made-${suffix}`));
      assert.match(yaml, /echo it runs; sleep 600/);
      await page.getByLabel('YAML').fill(yaml.replace('count: 0', 'count: 0\n  timeLimit: 2h'));
      assert.equal(await page.getByLabel('Time limit').inputValue(), '2h');
      await page.getByRole('button', {name: 'Try it out'}).click();
      await page.getByText('It would start now').waitFor();
      assert.equal(await platform.workload(`vision/made-${suffix}`), null, 'trying out changes nothing');
      await page.getByRole('button', {name: 'Submit', exact: true}).click();
      await page.waitForURL(`**/workloads/vision/made-${suffix}`);
      assert.match((await platform.workload(`vision/made-${suffix}`)).spec.timeLimit, /^2h/);
      await platform.state_of(`vision/made-${suffix}`, 'running');
      await page.locator('.state', {hasText: 'running'}).first().waitFor();
    });

    test('a form that the server refuses says why', async () => {
      await page.goto('/submit');
      await page.getByLabel('Name').fill('pretrain');
      await page.getByLabel('YAML').fill('metadata: {name: x}\nspec: {project: vision, kind: nonsense, command: [x]}');
      await page.getByRole('button', {name: 'Try it out'}).click();
      await page.getByRole('alert').waitFor();
      page.problems = page.problems.filter((one) => !/status of 4/.test(one));
    });

    test('logs: live, searched, downloaded', async () => {
      await page.goto(`/workloads/vision/made-${suffix}/logs`);
      await page.getByLabel('Log', {exact: true}).getByText('it runs').waitFor();
      await page.getByLabel('Search in the log').fill('nowhere');
      await page.getByText('No line matches.').waitFor();
      await page.getByLabel('Search in the log').fill('');
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Download'}).click()]);
      assert.match(readFileSync(await file.path(), 'utf8'), /it runs/);
    });

    test('a terminal', async () => {
      await page.goto(`/workloads/vision/made-${suffix}/terminal`);
      await page.getByRole('button', {name: 'Open'}).click();
      await page.getByText('connected').waitFor();
      await page.keyboard.type('echo sum $((40+2))\n');
      await until('the terminal answers', async () => (await page.locator('.xterm').textContent()).includes('sum 42'));
      await page.screenshot({path: join(out, `terminal-${scheme}-${width}.png`)});
      await page.keyboard.type('exit 3\n');
      await page.getByText('ended with exit code 3').waitFor();
    });

    test('suspending, resuming, scaling and deleting', async () => {
      const key = `vision/made-${suffix}`;
      await page.goto(`/workloads/${key}`);
      await page.getByRole('button', {name: 'Suspend'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Suspend'}).click();
      await platform.state_of(key, 'suspended');
      await page.getByRole('button', {name: 'Resume'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Resume'}).click();
      await platform.state_of(key, 'running');
      await page.getByLabel('Replicas wanted').fill('1');
      await page.getByRole('button', {name: 'Scale'}).click();
      await until('one replica runs', async () => (await platform.workload(key)).status.replicasRunning === 1);
      await page.getByText('1 running of 1').waitFor();
      await page.getByRole('button', {name: 'Delete'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Delete'}).click();
      await until('it is gone', async () => (await platform.workload(key)) === null);
      await page.waitForURL('**/workloads');
    });

    test('why something waits, and what would start it', async () => {
      const forecast = await platform.get('/api/v1/workloads/vision/giant/explanation');
      await page.goto('/workloads/vision/giant');
      await page.getByRole('heading', {name: 'Why it waits'}).waitFor();
      await page.locator('.why-reason').waitFor();
      const text = await page.locator('.why').textContent();
      assert.ok(text.toLowerCase().includes(forecast.reason.toLowerCase().slice(0, 40)), `${text} says ${forecast.reason}`);
      for (const remedy of forecast.remedies) assert.ok(text.includes(remedy), remedy);
      if (forecast.remedies.length > 0) {
        await page.getByRole('link', {name: /Try it out/}).first().click();
        await page.getByRole('heading', {name: 'Submit work'}).waitFor();
        assert.match(await page.getByLabel('YAML').inputValue(), /giant-copy/);
      }
    });

    test('the grid: filters in the address, a view that is kept, CSV, several at once', async () => {
      for (const name of ['one', 'two']) await platform.submit(`${name}-${suffix}`, {project: 'vision', command: ['sleep', '600'], devices: {count: 0}});
      await page.goto('/workloads');
      await page.getByLabel('Search').fill(suffix);
      await page.waitForURL(`**/workloads?q=${suffix}`);
      await page.getByText('2 rows').waitFor();
      await page.getByRole('button', {name: 'Views'}).click();
      await page.getByRole('menuitem', {name: 'Keep these filters as a view'}).click();
      await page.getByLabel('Name of the view').fill(script);
      await page.getByRole('button', {name: 'Keep', exact: true}).click();
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'CSV'}).click()]);
      assert.match(readFileSync(await file.path(), 'utf8'), new RegExp(`vision/one-${suffix}`));
      await page.getByLabel('Select all').check();
      await page.getByRole('button', {name: 'Suspend'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Suspend'}).click();
      for (const name of ['one', 'two']) await platform.state_of(`vision/${name}-${suffix}`, 'suspended');
      await page.getByLabel('Select all').check();
      await page.getByRole('button', {name: 'Delete'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Delete'}).click();
      for (const name of ['one', 'two']) await until(`${name} is gone`, async () => (await platform.workload(`vision/${name}-${suffix}`)) === null);
      await page.getByRole('button', {name: 'Clear the filters'}).click();
      await page.waitForURL('**/workloads');
      await page.getByRole('button', {name: 'Views'}).click();
      await page.getByRole('menuitem', {name: script, exact: true}).click();
      await page.waitForURL(`**/workloads?q=${suffix}`);
    });

    test('the grid by keyboard', async () => {
      await page.goto('/workloads?q=pretrain');
      await page.getByText('1 row').waitFor();
      await page.getByRole('grid', {name: 'Workloads'}).focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Space');
      await page.getByText('1 selected').waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/workloads/language/pretrain');
    });

    test('changes show as they happen, and after the connection was lost', async () => {
      await page.goto('/workloads?q=live');
      await page.getByText('No workload matches').waitFor();
      await page.locator('.connection-live').waitFor();
      await platform.submit(`live-${suffix}`, {project: 'vision', command: ['sleep', '600'], devices: {count: 0}});
      await page.getByRole('link', {name: `live-${suffix}`}).waitFor();
      await page.getByRole('grid').locator('.state', {hasText: 'running'}).waitFor();
      await page.goto('/workloads?q=offline');
      await page.getByText('No workload matches').waitFor();
      await page.locator('.connection-live').waitFor();
      platform.cut();
      await page.locator('.connection-broken').waitFor();
      await platform.submit(`offline-${suffix}`, {project: 'vision', command: ['sleep', '600'], devices: {count: 0}});
      platform.mend();
      await page.getByRole('link', {name: `offline-${suffix}`}).waitFor();
      await page.locator('.connection-live').waitFor();
      page.problems = page.problems.filter((one) => !/net::ERR_/.test(one));
      for (const name of ['live', 'offline']) await platform.must('DELETE', `/api/v1/workloads/vision/${name}-${suffix}`);
    });

    test('queues: made, changed with the effect shown first, removed', async () => {
      await page.goto('/queues');
      await page.getByRole('button', {name: 'New queue'}).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill(`team-${suffix}`);
      await dialog.getByRole('textbox', {name: 'Part of'}).click();
      await page.getByRole('option', {name: 'research', exact: true}).click();
      await dialog.getByRole('button', {name: 'Create'}).click();
      await page.waitForURL(`**/queues/team-${suffix}`);
      assert.equal((await platform.get(`/api/v1/queues/team-${suffix}`)).parent, 'research');
      const save = page.getByRole('button', {name: 'Save'});
      assert.ok(await save.isDisabled());
      await page.getByLabel('Quota, devices').fill('3');
      await page.getByText('No work would start or stop because of it now.').waitFor();
      assert.equal((await platform.get(`/api/v1/queues/team-${suffix}`)).resources.gpu.quota, 0, 'nothing is saved yet');
      await page.screenshot({path: join(out, `queue-edit-${scheme}-${width}.png`), fullPage: true});
      await save.click();
      await until('the quota is saved', async () => (await platform.get(`/api/v1/queues/team-${suffix}`)).resources.gpu.quota === 3);
      await page.getByText('3 devices', {exact: true}).first().waitFor();
      await page.getByRole('button', {name: 'Remove the queue'}).click();
      await page.getByRole('dialog').getByRole('button', {name: 'Remove'}).click();
      await until('it is removed', async () => (await platform.ask('GET', `/api/v1/queues/team-${suffix}`)).status === 404);
    });

    test('devices: the map leads to a device, and the table to a node', async () => {
      await page.goto('/devices');
      await page.locator('.square').first().click();
      await page.getByRole('heading', {name: /simulated-/, level: 1}).waitFor();
      await page.getByRole('link', {name: /slot 0/}).click();
      await page.getByText('Isolation').waitFor();
    });

    test('access: a user, a role, a code and a token', async () => {
      await page.goto('/access/users');
      await page.getByRole('button', {name: 'New user'}).click();
      await page.getByRole('dialog').getByLabel('Name').fill(`guest-${suffix}`);
      await page.getByRole('dialog').getByRole('button', {name: 'Create'}).click();
      await until('the user is there', async () => (await platform.ask('GET', `/api/v1/users/guest-${suffix}`)).status === 200);
      await page.goto('/access/rules');
      await page.getByRole('textbox', {name: 'User'}).click();
      await page.getByRole('option', {name: `guest-${suffix}`}).click();
      await page.getByRole('button', {name: 'Give', exact: true}).click();
      const rules = async () => (await platform.get('/api/v1/access-rules')).items.filter((rule) => rule.user === `guest-${suffix}`);
      await until('the rule is there', async () => (await rules()).length === 1);
      await page.getByRole('button', {name: `Take away researcher of guest-${suffix}`}).click();
      await until('the rule is gone', async () => (await rules()).length === 0);
      await page.goto('/access/users');
      await page.getByRole('button', {name: `guest-${suffix}`}).click();
      await page.getByRole('button', {name: 'Make a sign-in code'}).click();
      assert.match(await page.locator('.secret').textContent(), /\/sign-in\?code=fairlead_/);
      await page.getByRole('button', {name: 'I have it'}).click();
      await page.getByRole('button', {name: `guest-${suffix}`}).click();
      await page.getByRole('button', {name: 'Delete the user'}).click();
      await until('the user is gone', async () => (await platform.ask('GET', `/api/v1/users/guest-${suffix}`)).status === 404);

      await page.goto('/access');
      await page.getByRole('button', {name: 'New token'}).click();
      await page.getByLabel('What it is for').fill(`${script} ${suffix}`);
      await page.getByRole('button', {name: 'Make it'}).click();
      assert.match(await page.locator('.secret').textContent(), /^fairlead_/);
      await page.getByRole('button', {name: 'I have it'}).click();
      const tokens = async () => (await platform.get('/api/v1/tokens')).items.filter((token) => token.name.includes(suffix) && token.use === 'api');
      assert.equal((await tokens()).length, 1);
      await page.getByRole('button', {name: `Revoke ${script} ${suffix}`}).click();
      await until('the token is revoked', async () => (await tokens()).length === 0);
      await page.goto('/access/audit');
      await page.getByText('create-token').first().waitFor();
    });

    test('what a role may not do is not offered, and refused all the same', async () => {
      const viewer = await open(browser, platform, {scheme, width, user: 'vic'});
      await viewer.goto('/workloads/language/pretrain');
      await viewer.getByText('Asked for, and got').waitFor();
      for (const name of ['Suspend', 'Delete', 'Scale', 'Copy']) assert.equal(await viewer.getByRole('button', {name, exact: true}).count(), 0, name);
      assert.equal(await viewer.getByRole('tab', {name: 'Logs'}).count(), 0);
      assert.equal(await viewer.getByRole('tab', {name: 'Terminal'}).count(), 0);
      await viewer.goto('/queues/language');
      await viewer.getByText('Administrators of research change this queue.').waitFor();
      await viewer.goto('/access/users');
      await viewer.getByText('This is not yours to see').waitFor();
      for (const [method, path] of [
        ['DELETE', '/api/v1/workloads/language/pretrain'],
        ['PATCH', '/api/v1/queues/language'],
        ['GET', '/api/v1/users'],
      ]) {
        const status = await viewer.evaluate(async ([how, where]) => (await fetch(where, {method: how, body: how === 'PATCH' ? '{"priority":1}' : undefined})).status, [method, path]);
        assert.equal(status, 403, `${method} ${path}`);
      }
      await viewer.context().close();
    });
  });
}

test('scripts in fields that users give are shown as text', async () => {
  await platform.must('PUT', '/api/v1/queues/vision', {parent: 'research', displayName: script, resources: {gpu: {quota: 2}}});
  await platform.submit('scripts', {
    project: 'vision',
    command: ['sh', '-c', `echo '${script}'; exit 4`, script],
    environment: {GREETING: script},
    devices: {count: 0},
    retries: 0,
  });
  await platform.submit('no-program', {project: 'vision', command: [script], devices: {count: 0}, retries: 0});
  await platform.state_of('vision/scripts', 'failed');
  const page = await open(browser, platform);
  const mark = encodeURIComponent(script);
  for (const path of [
    '/',
    '/queues',
    '/queues/vision',
    '/workloads',
    `/workloads?q=${mark}&project=${mark}&department=${mark}`,
    '/workloads/vision/scripts',
    '/workloads/vision/scripts/logs',
    '/workloads/vision/scripts/spec',
    '/workloads/vision/scripts/timeline',
    '/workloads/vision/no-program',
    '/workloads/vision/no-program/timeline',
    `/workloads/${mark}/${mark}`,
    '/submit?copy=vision/scripts',
    `/submit?project=${mark}&kind=${mark}`,
    `/devices?q=${mark}&colour=${mark}`,
    `/devices/${mark}`,
    `/nodes/${mark}`,
    `/queues/${mark}`,
    `/access/${mark}`,
    `/${mark}`,
  ]) {
    await page.goto(path);
    await settled(page);
    await page.waitForTimeout(100);
    assert.equal(await page.evaluate(() => globalThis.injected), undefined, path);
    assert.deepEqual(page.problems, [], path);
  }
  await page.goto('/workloads/vision/scripts/logs');
  await page.getByText('window.injected=1').first().waitFor();
  await page.goto('/queues');
  await page.getByText('window.injected=1').first().waitFor();
  await platform.must('PUT', '/api/v1/queues/vision', {parent: 'research', displayName: '', resources: {gpu: {quota: 2}}});
  await page.context().close();
});
