// Writes the built console as a C++ source: node embed.mjs DIST OUTPUT
import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {gzipSync} from 'node:zlib';

const [dist, output] = process.argv.slice(2);
const types = {
  '.css': 'text/css; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

function files(folder) {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? files(path) : [path];
    });
}

// Octal escapes of three digits end by themselves, whatever follows; the lines keep compilers within their limits.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 64) {
    let line = '';
    for (const byte of bytes.subarray(at, at + 64)) line += '\\' + byte.toString(8).padStart(3, '0');
    lines.push(`    "${line}"`);
  }
  return lines.length > 0 ? lines.join('\n') : '    ""';
}

const constants = [];
const entries = [];
for (const path of files(dist)) {
  const name = '/' + relative(dist, path);
  if (name === '/index.html') continue;
  const type = types[name.slice(name.lastIndexOf('.'))];
  if (type === undefined) throw new Error(`${name}: of which type is it? Add it to web/scripts/embed.mjs`);
  const bytes = gzipSync(readFileSync(path), {level: 9});
  const constant = `kFile${entries.length}`;
  constants.push(`constexpr std::string_view ${constant}(\n${literal(bytes)},\n    ${bytes.length});`);
  entries.push(`    {"${name}", "${type}", ${constant}},`);
}
const page = readFileSync(join(dist, 'index.html'));
writeFileSync(
  output,
  `// Made by web/scripts/embed.mjs from the built console.
#include "app/console_files.h"

#include <string_view>

namespace fairlead::app {
namespace {

${constants.join('\n')}
constexpr std::string_view kPage(
${literal(page)},
    ${page.length});
constexpr server::ConsoleFile kFiles[] = {
${entries.join('\n')}
};

}  // namespace

server::ConsoleFiles console_files() { return {kFiles, kPage, {}}; }

}  // namespace fairlead::app
`,
);
