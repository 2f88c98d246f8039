import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import {
  type DeregisterRequest,
  type ReauthenticateRequest,
  type Registration,
  ScscfAdminServiceService,
} from '@rollcall/proto-gen/admin'
import {
  createGrpcService,
  createRuntime,
  type GrpcServer,
  RpcError,
  startGrpcServer,
  TlsIdentity,
} from '@rollcall/runtime'
import { runCli } from '../cli.ts'

const TARGET = '127.35.7.1:17002'
const ALICE = 'sip:alice@ims.example.com'

let folder: string
let server: GrpcServer
const asked: (DeregisterRequest | ReauthenticateRequest)[] = []
let registrations: Registration[] = []

/** A played S-CSCF: nobody but alice is registered. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-registration-'))
  const leaves = ['scscf', 'operator', 'presence'].map((name) => ({ name, role: name, dnsNames: [] }))
  await createTrustDomain({ folder, trustDomain: 'rollcall.test', leaves })
  const identity = await TlsIdentity.load({ ...leafFiles(folder, 'scscf'), trustDomain: 'rollcall.test' })
  const end = async (request: DeregisterRequest | ReauthenticateRequest): Promise<{ contacts: number }> => {
    asked.push(request)
    if (request.impu !== ALICE) throw new RpcError('RPC_NOT_FOUND', 'nobody is registered by this identity')
    return { contacts: request.impi === '' ? 2 : 1 }
  }
  server = await startGrpcServer({
    listen: TARGET,
    services: [
      createGrpcService(ScscfAdminServiceService, {
        listRegistrations: async () => ({ registrations }),
        deregister: end,
        reauthenticate: end,
      }),
    ],
    runtime: createRuntime({ service: 'scscf', identity, logDestination: { write: () => true } }),
  })
})

after(async () => {
  await server?.stop(0)
  await rm(folder, { recursive: true })
})

async function run(args: readonly string[], as = 'operator') {
  const { certFile, keyFile, caFile } = leafFiles(folder, as)
  const out = { text: '', error: '' }
  const tls = ['--target', TARGET, '--tls-cert', certFile, '--tls-key', keyFile, '--tls-ca', caFile]
  const code = await runCli(['registration', ...args, ...tls], {
    stdout: (text) => (out.text += text),
    stderr: (text) => (out.error += text),
    env: {},
    signal: new AbortController().signal,
  })
  return { code, ...out }
}

test('lists who is registered, and what a UE wrote cannot move the cursor', async () => {
  assert.match((await run(['list'])).text, /nobody is registered/)
  registrations = [
    {
      canonicalImpu: ALICE,
      impus: [ALICE, 'tel:+15550100'],
      impi: 'alice@ims.example.com',
      contactUri: 'sip:127.0.1.1\u001b[2J',
      path: [],
      expiresAtMs: 0n,
    },
  ]
  const { code, text } = await run(['list'])
  assert.equal(code, 0)
  assert.match(
    text,
    /tel:\+15550100\n {2}private {2}alice@ims\.example\.com\n {2}contact {2}sip:127\.0\.1\.1\ufffd\[2J\n/,
  )
  assert.equal(JSON.parse((await run(['list', '--json'])).text).expiresAt, '1970-01-01T00:00:00.000Z')
})

test('de-registers as it is told, and says how many contacts it was', async () => {
  const { text } = await run(['deregister', ALICE, '--as', 'probation', '--retry-after', '300'])
  assert.equal(text, `${ALICE}: 2 contacts ended\n`)
  assert.deepEqual(asked.pop(), { impu: ALICE, impi: '', kind: 2, retryAfterSeconds: 300, forwarded: false })
  const one = await run(['deregister', ALICE, '--impi', 'alice@ims.example.com', '--json'])
  assert.deepEqual(JSON.parse(one.text), { event: 'deregistered', impu: ALICE, contacts: 1, as: 'deactivated' })
})

test('asks for a new authentication', async () => {
  assert.equal((await run(['reauthenticate', ALICE])).text, `${ALICE}: 2 contacts to authenticate anew\n`)
  assert.deepEqual(asked.pop(), { impu: ALICE, impi: '', expiresSeconds: 0, forwarded: false })
  await run(['reauthenticate', ALICE, '--within', '120'])
  assert.deepEqual(asked.pop(), { impu: ALICE, impi: '', expiresSeconds: 120, forwarded: false })
})

test('who is not registered, and who is no operator, is told so', async () => {
  const unknown = await run(['deregister', 'sip:bob@ims.example.com'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.error, /the S-CSCF says: nobody is registered by this identity/)
  const stranger = await run(['deregister', ALICE], 'presence')
  assert.equal(stranger.code, 1)
  assert.match(stranger.error, /the S-CSCF at 127\.35\.7\.1:17002 does not take this certificate/)
})
