import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import {
  type SetDigestPasswordRequest,
  type SetGussRequest,
  SubscriberAdminServiceService,
} from '@rollcall/proto-gen/admin'
import type { Guss } from '@rollcall/proto-gen/zh'
import {
  createGrpcService,
  createRuntime,
  type GrpcServer,
  RpcError,
  startGrpcServer,
  TlsIdentity,
} from '@rollcall/runtime'
import { runCli } from '../cli.ts'

const TARGET = '127.47.2.3:17001'
const IMPI = '001010000000004@ims.example.com'

let folder: string
let server: GrpcServer
const asked: (SetDigestPasswordRequest | SetGussRequest)[] = []
let guss: Guss | undefined

const refuse = async (): Promise<never> => {
  throw new RpcError('RPC_NOT_FOUND', 'not played')
}

/** A played HSS. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-credentials-'))
  const leaves = ['hss', 'operator'].map((name) => ({ name, role: name, dnsNames: [] }))
  await createTrustDomain({ folder, trustDomain: 'rollcall.test', leaves })
  const identity = await TlsIdentity.load({ ...leafFiles(folder, 'hss'), trustDomain: 'rollcall.test' })
  server = await startGrpcServer({
    listen: TARGET,
    services: [
      createGrpcService(SubscriberAdminServiceService, {
        addSubscriber: refuse,
        getSubscriber: refuse,
        listSubscribers: refuse,
        removeSubscriber: refuse,
        setPresencePolicy: refuse,
        setServiceProfile: refuse,
        setDigestPassword: async (request) => {
          asked.push({ ...request, password: Buffer.from(request.password) })
          return { realms: request.password.length === 0 ? [] : [request.realm] }
        },
        setGuss: async (request) => {
          asked.push(request)
          guss = request.guss
          return { guss: guss ?? { lifetimeSeconds: 0, uss: [] } }
        },
        getGuss: async () => ({ guss, isProvisioned: guss !== undefined }),
      }),
    ],
    runtime: createRuntime({ service: 'hss', identity, logDestination: { write: () => true } }),
  })
})

after(async () => {
  await server?.stop(0)
  await rm(folder, { recursive: true })
})

async function run(...args: string[]) {
  const { certFile, keyFile, caFile } = leafFiles(folder, 'operator')
  const out = { text: '', error: '' }
  const tls = ['--target', TARGET, '--tls-cert', certFile, '--tls-key', keyFile, '--tls-ca', caFile]
  const code = await runCli(['subscriber', ...args, ...tls], {
    stdout: (text) => (out.text += text),
    stderr: (text) => (out.error += text),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, ...out }
}

async function fileWith(text: string): Promise<string> {
  const file = join(folder, 'input')
  await writeFile(file, text)
  return file
}

test('password set takes the first line of a file, and never shows it', async () => {
  const file = await fileWith('correct horse\n')
  const { code, text } = await run('password', 'set', IMPI, '--realm', 'ims.example.com', '--file', file)
  assert.deepEqual([code, text], [0, `${IMPI} has a password in ims.example.com\n`])
  assert.deepEqual(asked.at(-1), { impi: IMPI, realm: 'ims.example.com', password: Buffer.from('correct horse') })
  const removed = await run('password', 'remove', IMPI, '--realm', 'ims.example.com')
  assert.equal(removed.text, `${IMPI} has no password any more\n`)
})

test('password set says what is missing, before anything is asked', async () => {
  const before = asked.length
  const empty = await fileWith('\n')
  const long = await fileWith('x')
  const cases: [string[], number, RegExp][] = [
    [['password', 'set', 'alice', '--realm', 'r', '--file', long], 2, /'alice' is no private identity/],
    [['password', 'set', IMPI, '--file', long], 2, /--realm is missing/],
    [['password', 'set', IMPI, '--realm', 'r'], 2, /--file is missing/],
    [['password', 'set', IMPI, '--realm', 'r', '--file', join(folder, 'none')], 1, /cannot be read \(ENOENT\)/],
  ]
  for (const [args, code, message] of cases) {
    const told = await run(...args)
    assert.equal(told.code, code)
    assert.match(told.error, message)
  }
  await writeFile(empty, '\n')
  assert.match((await run('password', 'set', IMPI, '--realm', 'r', '--file', empty)).error, /is empty/)
  await writeFile(long, 'x'.repeat(300))
  assert.match((await run('password', 'set', IMPI, '--realm', 'r', '--file', long)).error, /has over 256 octets/)
  assert.equal(asked.length, before)
})

test('guss show and set speak the same JSON, and --default takes what was set away', async () => {
  assert.match((await run('guss', 'show', IMPI)).text, /made from the user's identities\n$/)
  const file = await fileWith(
    '{ "lifeTime": 600, "ussList": [{ "id": 3, "uids": ["sip:carol@ims.example.com"], "flags": [1] }] }',
  )
  const { code } = await run('guss', 'set', IMPI, '--file', file)
  assert.equal(code, 0)
  const uss = { gsid: 3, type: 3, nafGroup: '', uids: ['sip:carol@ims.example.com'], flags: [1] }
  assert.deepEqual(asked.at(-1), { impi: IMPI, guss: { lifetimeSeconds: 600, uss: [uss] } })
  const shown = JSON.parse((await run('guss', 'show', IMPI, '--json')).text)
  assert.deepEqual(shown.guss, {
    lifeTime: 600,
    ussList: [{ id: 3, type: 3, nafGroup: '', uids: ['sip:carol@ims.example.com'], flags: [1] }],
  })
  await run('guss', 'set', IMPI, '--default')
  assert.equal(guss, undefined)
  const wrong = await fileWith('{ "lifeTime": -1, "ussList": [{ "uids": [1], "flags": ["x"] }] }')
  const told = await run('guss', 'set', IMPI, '--file', wrong)
  assert.equal(told.code, 1)
  assert.match(told.error, /4 problems[\s\S]*lifeTime must be a whole number/)
  assert.match((await run('guss', 'set', IMPI)).error, /give --file or --default/)
})
