// The pictures of README and docs/console.md: node pictures.mjs, with OUT, FAIRLEAD_PROGRAM and FAIRLEAD_EXAMPLES set.
import {join} from 'node:path';
import {launch, open, Platform} from './platform.mjs';

const out = process.env.OUT;
const platform = await Platform.start();
const browser = await launch();
try {
  await platform.populate();
  // Some requests and some samples, so that there is something to draw.
  for (let i = 0; i < 9; ++i) {
    const end = Date.now() + 10_000;
    while (Date.now() < end) await Promise.all([0, 1, 2, 3].map(() => fetch(`${platform.url}/serve/chat/assistant/`).then((answer) => answer.text())));
  }
  const wide = await open(browser, platform, {width: 1280, height: 800});
  for (const [name, path] of [
    ['overview', '/'],
    ['workloads', '/workloads'],
    ['why', '/workloads/vision/giant'],
    ['queues', '/queues'],
    ['devices', '/devices?colour=owner'],
    ['services', '/services'],
    ['submit', '/submit'],
  ]) {
    await wide.goto(path);
    await wide.waitForTimeout(1500);
    await wide.screenshot({path: join(out, `console-${name}.png`)});
  }
  const dark = await open(browser, platform, {width: 1280, height: 800, scheme: 'dark'});
  await dark.goto('/');
  await dark.waitForTimeout(1500);
  await dark.screenshot({path: join(out, 'console-dark.png')});
  const phone = await open(browser, platform, {width: 390, height: 800});
  await phone.goto('/workloads');
  await phone.waitForTimeout(1500);
  await phone.screenshot({path: join(out, 'console-phone.png')});
} finally {
  await browser.close();
  await platform.stop();
}
