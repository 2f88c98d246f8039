import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from './cli.ts'
import { COMMANDS } from './commands.ts'

const GOLDEN = fileURLToPath(new URL('./golden/help.txt', import.meta.url))

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(...args: string[]): Promise<Run> {
  let [stdout, stderr] = ['', '']
  const code = await runCli(args, {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env: { ROLLCALL_DATA_DIR: '/nonexistent' },
    signal: new AbortController().signal,
  })
  return { code, stdout, stderr }
}

test('the help of every command is as in golden/help.txt (ROLLCALL_GOLDEN=write renews it)', async () => {
  const pages = [await run('--help')]
  for (const { path } of COMMANDS) pages.push(await run(...path, '--help'))
  assert.ok(pages.every(({ code, stderr }) => code === 0 && stderr === ''))
  const text = pages.map(({ stdout }) => stdout).join(`\n${'-'.repeat(100)}\n`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(GOLDEN, text)
  assert.equal(text, await readFile(GOLDEN, 'utf8'))
  assert.ok(
    text.split('\n').every((line) => line.length <= 120),
    'lines fit a terminal',
  )
})

test('help comes by help, --help and -h, for all, for a group and for one', async () => {
  const all = await run('--help')
  assert.deepEqual(await run('help'), all)
  assert.deepEqual(await run('-h'), all)
  assert.match((await run('ue', '--help')).stdout, /ue watch URI/)
  assert.deepEqual(await run('help', 'ue', 'publish'), await run('ue', 'publish', '--help'))
})

test('wrong usage is exit code 2, with what is wrong and where help is', async () => {
  assert.equal((await run()).code, 2)
  const unknown = await run('ue', 'dance')
  assert.deepEqual([unknown.code, unknown.stderr.split('\n')[0]], [2, "rollcall: there is no command 'ue dance'"])
  const missing = await run('ue', 'watch')
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /^rollcall: URI is missing\nusage: rollcall ue watch URI \[options\]\n/)
  assert.equal((await run('ue', 'watch', 'a', 'b')).stderr.split('\n')[0], "rollcall: 'b' is one too many")
  assert.equal((await run('ue', 'fetch', 'sip:@')).stderr.split('\n')[0], "rollcall: 'sip:@' is no SIP or tel URI")
  const both = await run('ue', 'register', '--as', 'bob', '--credentials', 'x')
  assert.match(both.stderr, /--credentials and --as exclude each other/)
  const remove = await run('ue', 'publish', '--remove', '--note', 'x')
  assert.match(remove.stderr, /--remove takes everything back/)
  assert.match((await run('subscriber', 'add')).stderr, /--file is missing/)
  assert.match(
    (await run('subscriber', 'policy', 'sip:a@b')).stderr,
    /say who may watch: --default, --allow or --block/,
  )
  const some = ['subscriber', 'policy', 'sip:a@b', '--default', 'maybe'] as const
  assert.match((await run(...some)).stderr, /--default must be allow or block, not 'maybe'/)
  assert.match((await run('subscriber', 'policy', 'alice', '--block', 'x')).stderr, /'alice' is no SIP or tel URI/)
  assert.match((await run('subscriber', 'list', '--target', 'x')).stderr, /--target must be HOST:PORT/)
  assert.match((await run('subscriber', 'profile')).stderr, /--file is missing/)
  assert.match((await run('registration', 'deregister', 'alice')).stderr, /'alice' is no SIP or tel URI/)
  const wait = ['registration', 'deregister', 'sip:a@b', '--retry-after', '5'] as const
  assert.match((await run(...wait)).stderr, /--retry-after goes with --as probation/)
  const within = ['registration', 'reauthenticate', 'sip:a@b', '--within', '0'] as const
  assert.match((await run(...within)).stderr, /--within must be a whole number of seconds, not '0'/)
  assert.match((await run('store', 'init', '--nats-data', '/x')).stderr, /ROLLCALL_NATS_ENCRYPTION_KEY/)
})

test('a failure is exit code 1, one line without a stack; with --json an object as well', async () => {
  const failed = await run('ue', 'register')
  assert.equal(failed.code, 1)
  assert.match(
    failed.stderr,
    /^rollcall: \/nonexistent\/ue\/alice-cli\.json: is not there: start the local stack once \(npm start\).*\n$/,
  )
  const json = await run('ue', 'register', '--json')
  assert.equal(json.code, 1)
  assert.equal(JSON.parse(json.stdout).code, 'CLI_INPUT_FILE')
  const tls = await run('subscriber', 'list')
  assert.equal(tls.code, 1)
  assert.match(tls.stderr, /^rollcall: \/nonexistent\/secrets\/pki\/(?:operator\.crt|operator\.key|ca\.crt): /)
})
