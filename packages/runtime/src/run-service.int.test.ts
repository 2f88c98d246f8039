import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { leafFiles } from '@rollcall/pki'
import { createTestDomain, until } from './testing/test-domain.ts'

const address = '127.1.4.51'
const main = fileURLToPath(new URL('./testing/sample-service.ts', import.meta.url))
let nextPort = 17_100

interface Process {
  readonly child: ChildProcess
  readonly probe: string
  readonly ended: Promise<number | null>
  stdout(): Record<string, unknown>[]
  stderr(): string
  ready(): Promise<string>
}

async function start(t: TestContext, env: NodeJS.ProcessEnv = {}): Promise<Process> {
  const domain = await createTestDomain(t, ['hss'])
  const files = leafFiles(domain.folder, 'hss')
  const probe = `${address}:${nextPort++}`
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', '@rollcall/runtime/telemetry', main],
    {
      env: {
        PATH: process.env.PATH,
        ROLLCALL_REALM: 'ims.example.org',
        ROLLCALL_NATS_URL: 'tls://127.0.0.1:14222',
        ROLLCALL_TLS_CERT_FILE: files.certFile,
        ROLLCALL_TLS_KEY_FILE: files.keyFile,
        ROLLCALL_TLS_CA_FILE: files.caFile,
        ROLLCALL_GRPC_LISTEN: `${address}:1`,
        ROLLCALL_PROBE_LISTEN: probe,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  return {
    child,
    probe,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code))),
    stdout: () =>
      out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    stderr: () => err,
    async ready() {
      try {
        const response = await fetch(`http://${probe}/readyz`)
        return `${response.status} ${(await response.text()).trim().replaceAll('\n', ', ')}`
      } catch {
        return 'no answer'
      }
    },
  }
}

test('wrong settings are all told on stderr, exit 78, before anything is opened', async (t) => {
  const service = await start(t, {
    ROLLCALL_REALM: '',
    ROLLCALL_HSS_MOOD: 'foul',
    ROLLCALL_NATS_ULR: 'x',
    ROLLCALL_LOG_LEVEL: 'loud',
  })
  assert.equal(await service.ended, 78)
  for (const line of [
    /^hss: 4 settings wrong$/m,
    /^ {2}ROLLCALL_REALM: is not set; allowed: a domain name; example: /m,
    /^ {2}ROLLCALL_LOG_LEVEL: came as "loud"; allowed: trace, debug, /m,
    /^ {2}ROLLCALL_HSS_MOOD: came as "foul"/m,
    /^ {2}ROLLCALL_NATS_ULR: is no setting of hss; is ROLLCALL_NATS_URL meant\?$/m,
  ]) {
    assert.match(service.stderr(), line)
  }
  assert.deepEqual(service.stdout(), [])
})

test('a certificate that cannot be used is a wrong setting, too', async (t) => {
  const service = await start(t, { ROLLCALL_TLS_CERT_FILE: '/nowhere/tls.crt' })
  assert.equal(await service.ended, 78)
  assert.match(service.stderr(), /\/nowhere\/tls\.crt: cannot be read \(ENOENT\)/)
})

test('a service is ready when it has started, drains on SIGTERM, and ends with 0', async (t) => {
  const service = await start(t, { ROLLCALL_HSS_MOOD: 'slow' })
  await until(async () => (await service.ready()) !== 'no answer')
  assert.match(await service.ready(), /^503 not ready, starting/)
  await until(async () => (await service.ready()) === '200 ready')
  service.child.kill('SIGTERM')
  assert.equal(await service.ended, 0)
  assert.deepEqual(
    service.stdout().map((line) => line.msg),
    ['serving', 'draining', 'stopping', 'ended'],
  )
  assert.equal(service.stderr(), '')
})

for (const [mood, how] of [
  ['throws', 'an uncaught error'],
  ['rejects', 'a rejection that nobody handles'],
] as const) {
  test(`${how} is logged, drains and ends with 1`, async (t) => {
    const service = await start(t, { ROLLCALL_HSS_MOOD: mood })
    assert.equal(await service.ended, 1)
    const fatal = service.stdout().find((line) => line.level === 60)
    assert.match(JSON.stringify(fatal), /a mistake of ours/)
    assert.ok(service.stdout().some((line) => line.msg === 'stopping'))
  })
}

test('a drain that is stuck is told, and the process ends all the same', async (t) => {
  const service = await start(t, { ROLLCALL_HSS_MOOD: 'stuck' })
  await until(async () => (await service.ready()) === '200 ready')
  service.child.kill('SIGTERM')
  await until(async () => (await service.ready()) === '503 not ready, draining')
  service.child.kill('SIGTERM')
  assert.equal(await service.ended, 0)
  assert.ok(service.stdout().some((line) => line.msg === 'did not end in its time' && line.what === 'drain'))
})

test('an address that is taken ends with 1 and says which', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  t.after(() => server.close())
  const probe = `${address}:${(server.address() as AddressInfo).port}`
  const service = await start(t, { ROLLCALL_PROBE_LISTEN: probe })
  assert.equal(await service.ended, 1)
  assert.ok(service.stdout().some((line) => line.msg === `cannot listen on ${probe}`))
})

test('spans leave by OTLP, the last ones at the end; the service’s name is its entry’s', async (t) => {
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk))
    request.on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  t.after(() => server.close())
  const endpoint = `http://${address}:${(server.address() as AddressInfo).port}`
  const service = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    ROLLCALL_SERVICE_NAME: 'hss',
    OTEL_BSP_SCHEDULE_DELAY: '60000',
  })
  await until(async () => (await service.ready()) === '200 ready')
  assert.deepEqual(bodies, [])
  service.child.kill('SIGINT')
  assert.equal(await service.ended, 0)
  const exported = Buffer.concat(bodies).toString('latin1')
  assert.match(exported, /hss reserve SQN/)
  assert.match(exported, /service\.name[\s\S]{1,8}hss/)
})
