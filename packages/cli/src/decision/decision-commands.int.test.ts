import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import {
  type ExplainRequest,
  type PolicyDecision,
  PresenceAdminServiceService,
  type TryRequest,
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
import { UsageError } from '../errors.ts'
import { readTime } from './try.ts'

const TARGET = '127.47.2.2:17003'
const DECISION: PolicyDecision = {
  handling: 'allow',
  source: 'rules',
  rules: [
    { ruleId: 'friends', verdict: 'counts', handling: 'allow', because: '' },
    { ruleId: 'night', verdict: 'does-not-apply', handling: '', because: 'validity' },
    { ruleId: 'colleagues', verdict: 'list-unknown', handling: '', because: '' },
  ],
  combined: 'friends (allow) → allow, the greatest of all that match',
  withheld: [
    { in: 'person', id: 'p1', attribute: 'mood' },
    { in: 'device', id: 'd1', attribute: '' },
  ],
  nextChangeMs: 0n,
}

let folder: string
let server: GrpcServer
const asked: (ExplainRequest | TryRequest)[] = []

/** A played Presence Server that knows alice alone. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-decision-'))
  const leaves = ['presence', 'operator', 'scscf'].map((name) => ({ name, role: name, dnsNames: [] }))
  await createTrustDomain({ folder, trustDomain: 'rollcall.test', leaves })
  const identity = await TlsIdentity.load({ ...leafFiles(folder, 'presence'), trustDomain: 'rollcall.test' })
  server = await startGrpcServer({
    listen: TARGET,
    services: [
      createGrpcService(PresenceAdminServiceService, {
        getPresentity: async () => {
          throw new RpcError('RPC_NOT_FOUND', 'no such user')
        },
        explain: async (request) => {
          asked.push(request)
          if (!request.presentity.startsWith('sip:alice@')) throw new RpcError('RPC_NOT_FOUND', 'no such user')
          const session = {
            callId: 'call\u001b[2J',
            eventPackage: 'presence',
            status: 'active',
            identityKind: 'verified',
            assertedBy: 'scscf',
            impi: 'bob@ims.example.com',
            algorithm: 'AKAv1-MD5',
            protection: 'udp-enc-tun aes-cbc hmac-sha-1-96',
            auditId: 'a-17',
            traceId: '0af7651916cd43dd8448eb211c80319c',
            sinceMs: 0n,
          }
          return {
            ...request,
            decision: DECISION,
            sessions: [session],
            document: Buffer.from('<presence><note>x</note></presence>'),
          }
        },
        try: async (request) => {
          asked.push(request)
          const handling = request.rules.length > 0 ? 'polite-block' : 'block'
          return {
            presentity: request.presentity,
            watcher: request.watcher,
            decision: { ...DECISION, handling, rules: [], withheld: [], source: 'provisioned', combined: '' },
            document: Buffer.alloc(0),
          }
        },
      }),
    ],
    runtime: createRuntime({ service: 'presence', identity, logDestination: { write: () => true } }),
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
  const code = await runCli([...args, ...tls], {
    stdout: (text) => (out.text += text),
    stderr: (text) => (out.error += text),
    // No P-CSCF there: what it would say is left out.
    env: { ROLLCALL_DOMAIN: 'ims.example.com', ROLLCALL_PCSCF_TARGET: '127.47.2.2:9' },
    signal: new AbortController().signal,
  })
  return { code, ...out }
}

test('why tells the decision, its rules, what is withheld, and who vouches for the watcher', async () => {
  const { code, text, error } = await run(['why', 'alice', '+15550101'])
  assert.deepEqual([code, error], [0, ''])
  assert.deepEqual(asked.at(-1), { presentity: 'sip:alice@ims.example.com', watcher: 'tel:+15550101' })
  assert.equal(
    text,
    `what tel:+15550101 sees of sip:alice@ims.example.com
  handling   allow: sees her document
  decided    by the user's rules
  rule       friends: allow, counts
  rule       night: does not apply (validity)
  rule       colleagues: names a list that is not there
  together   friends (allow) → allow, the greatest of all that match
  withheld   mood of person p1
  withheld   all of device d1
  watches    presence, active (Call-ID call\ufffd[2J)
    identity   verified, asserted by the role scscf
    authentic  bob@ims.example.com, AKAv1-MD5, udp-enc-tun aes-cbc hmac-sha-1-96
    audit      a-17
    trace      0af7651916cd43dd8448eb211c80319c
  document
    <presence>
    <note>x</note>
    </presence>
`,
  )
  const json = JSON.parse((await run(['why', 'alice', 'bob', '--json'])).text)
  assert.deepEqual([json.decision.handling, json.sessions[0].assertedBy], ['allow', 'scscf'])
})

test('try asks for another time and other rules, and changes nothing', async () => {
  const file = join(folder, 'rules.xml')
  await writeFile(file, '<ruleset/>')
  const { code, text } = await run(['try', 'alice', '--as', 'bob', '--at', '2027-01-31T22:00Z', '--rules', file])
  assert.equal(code, 0)
  assert.match(text, /^what sip:bob@ims\.example\.com would see of sip:alice@/)
  assert.match(text, /handling {3}polite-block: sees her closed[\s\S]*the user has no rules[\s\S]*document {3}none\n$/)
  assert.deepEqual(asked.at(-1), {
    presentity: 'sip:alice@ims.example.com',
    watcher: 'sip:bob@ims.example.com',
    atMs: BigInt(Date.UTC(2027, 0, 31, 22)),
    rules: Buffer.from('<ruleset/>'),
    isAnonymous: false,
  })
  await run(['try', 'alice', '--as', 'bob', '--anonymous'])
  assert.deepEqual(asked.at(-1), { ...asked.at(-1), isAnonymous: true, atMs: 0n, rules: Buffer.alloc(0) })
})

test('wrong usage, an unknown user and a certificate of another role are told', async () => {
  assert.deepEqual([(await run(['why', 'alice'])).code, (await run(['try', 'alice'])).code], [2, 2])
  assert.match((await run(['try', 'alice', '--as', 'bob', '--at', 'late'])).error, /--at must be HH:MM/)
  const unknown = await run(['why', 'dave', 'bob'])
  assert.deepEqual([unknown.code, unknown.error], [1, 'rollcall: the Presence Server says: no such user\n'])
  assert.match((await run(['why', 'alice', 'bob'], 'scscf')).error, /does not take this certificate/)
})

test('a time of day is one of today, in the own time', () => {
  const now = new Date(2027, 0, 31, 12, 34, 56)
  assert.equal(readTime('22:00', now), new Date(2027, 0, 31, 22).getTime())
  assert.equal(readTime('7:05', now), new Date(2027, 0, 31, 7, 5).getTime())
  for (const text of ['24:00', '7:5', '22', '2027-13-01T00:00']) assert.throws(() => readTime(text, now), UsageError)
})
