import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { writePidf, writeWatcherinfo } from '@rollcall/pidf'
import { saveCredentials } from '@rollcall/ue'
import { ALICE, BOB, DOMAIN, FakePcscf, KEYS, notifierOf, placeOf, testCredentials } from '@rollcall/ue/testing'
import { runCli } from '../cli.ts'

const PLACE = placeOf(4)

interface Bench extends AsyncDisposable {
  readonly pcscf: FakePcscf
  readonly folder: string
  readonly interrupt: AbortController
  readonly stdout: () => string
  readonly stderr: () => string
  run(...args: string[]): Promise<number>
}

async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-'))
  await saveCredentials(join(folder, 'alice.json'), testCredentials(PLACE))
  const pcscf = await FakePcscf.listen({ address: PLACE.pcscf, keys: KEYS, domain: DOMAIN })
  const interrupt = new AbortController()
  let [stdout, stderr] = ['', '']
  return {
    pcscf,
    folder,
    interrupt,
    stdout: () => stdout,
    stderr: () => stderr,
    run(...args) {
      stdout = ''
      return runCli([...args, '--credentials', join(folder, 'alice.json'), '--t1-ms', '200'], {
        stdout: (text) => (stdout += text),
        stderr: (text) => (stderr += text),
        env: {},
        signal: interrupt.signal,
      })
    },
    async [Symbol.asyncDispose]() {
      await pcscf[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** A notifier that answers each SUBSCRIBE and notifies once. */
function notifyOnce(bench: Bench, body: Buffer, contentType: string): void {
  let cseq = 0
  bench.pcscf.script = (subscribe) => {
    if (subscribe.method !== 'SUBSCRIBE') return { status: 200 }
    if (subscribe.headers.get('Event') === 'reg') return { status: 489 }
    const expires = subscribe.headers.get('Expires')
    setImmediate(() => {
      void bench.pcscf.request({
        method: 'NOTIFY',
        headers: [
          ['From', `${String(subscribe.headers.get('To')).split(';')[0]};tag=fake`],
          ['To', String(subscribe.headers.get('From'))],
          ['Call-ID', String(subscribe.headers.get('Call-ID'))],
          ['CSeq', `${++cseq} NOTIFY`],
          ['Contact', '<sip:presence-1@presence.example>'],
          ['Event', String(subscribe.headers.get('Event'))],
          ['Subscription-State', expires === '0' ? 'terminated;reason=timeout' : 'active;expires=600'],
          ['Content-Type', contentType],
        ],
        body,
      })
    })
    return {
      status: 200,
      headers: [
        ['Contact', '<sip:presence-1@presence.example>'],
        ['Expires', String(expires)],
      ],
    }
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(isSo(), 'waited in vain')
}

test('ue register shows what was granted, and de-registers', async () => {
  await using bench = await openBench()
  assert.equal(await bench.run('ue', 'register', '--json'), 0)
  const line = JSON.parse(bench.stdout())
  assert.deepEqual([line.event, line.protection], ['registered', 'udp-enc-tun aes-cbc hmac-sha-1-96'])
  assert.equal(bench.pcscf.requests.at(-1)?.headers.get('Expires'), '0')
  assert.deepEqual((await readdir(bench.folder)).toSorted(), ['alice.json', 'alice.json.state'])
})

test('--esp-pair says what is offered for the SAs, the preferred one first (TS 33.203 clause 7.2)', async () => {
  await using bench = await openBench()
  const pairs = ['--esp-pair', 'null/aes-gcm', '--esp-pair', 'hmac-sha-1-96/aes-cbc']
  assert.equal(await bench.run('ue', 'register', '--json', ...pairs), 0)
  assert.equal(JSON.parse(bench.stdout()).protection, 'udp-enc-tun aes-gcm null')
  assert.equal(await bench.run('ue', 'register', '--esp-pair', 'null/null'), 2)
  assert.match(bench.stderr(), /--esp-pair must be/)
})

test('ue publish replaces what it published before, and --remove takes it back', async () => {
  await using bench = await openBench()
  let count = 0
  bench.pcscf.script = () => ({
    status: 200,
    headers: [
      ['SIP-ETag', `tag-${++count}`],
      ['Expires', '600'],
    ],
  })
  assert.equal(await bench.run('ue', 'publish', '--basic', 'open', '--note', 'At lunch'), 0)
  assert.match(bench.stdout(), /registered sip:alice.*\npublished open "At lunch" until .*\nde-registered\n/)
  assert.equal((await stat(join(bench.folder, 'alice.json.publication'))).mode & 0o777, 0o600)
  assert.equal(await bench.run('ue', 'publish', '--basic', 'closed'), 0)
  assert.equal(await bench.run('ue', 'publish', '--remove'), 0)
  assert.match(bench.stdout(), /taken back/)
  assert.equal(await bench.run('ue', 'publish', '--remove'), 0)
  assert.match(bench.stdout(), /nothing was published/)
  const seen = bench.pcscf
    .requestsOf('PUBLISH')
    .map(({ headers }) => [headers.get('SIP-If-Match'), headers.get('Expires')])
  assert.deepEqual(seen, [
    [undefined, '3600'],
    ['tag-1', '3600'],
    ['tag-2', '0'],
  ])
  assert.match(bench.pcscf.requestsOf('PUBLISH')[0]?.body.toString() ?? '', /<note>At lunch<\/note>/)
})

test('ue fetch shows the state of somebody named in the own domain', async () => {
  await using bench = await openBench()
  notifyOnce(bench, writePidf({ entity: BOB, tupleId: 'a', basic: 'open', note: 'Here' }), 'application/pidf+xml')
  assert.equal(await bench.run('ue', 'fetch', 'bob', '--json'), 0)
  const line = JSON.parse(bench.stdout())
  assert.deepEqual([line.uri, line.presence.tuples[0].notes], [BOB, ['Here']])
})

test('ue fetch --anonymous names nobody, and answers a challenge with the password of the file (RFC 3261 section 22.2)', async () => {
  await using bench = await openBench()
  const realm = DOMAIN
  const file = join(bench.folder, 'password')
  await writeFile(file, 'correct horse\n')
  notifyOnce(bench, writePidf({ entity: BOB, tupleId: 'a', basic: 'open', note: 'Here' }), 'application/pidf+xml')
  const accept = bench.pcscf.script
  const challenge = `Digest realm="${realm}", nonce="n", algorithm=SHA-256, qop="auth"`
  bench.pcscf.script = (request) =>
    request.headers.has('Authorization')
      ? accept?.(request)
      : { status: 401, headers: [['WWW-Authenticate', challenge]] }
  assert.equal(await bench.run('ue', 'fetch', 'bob', '--anonymous'), 1)
  assert.equal(await bench.run('ue', 'fetch', 'bob', '--anonymous', '--password-file', file), 0)
  const [first, , answered] = bench.pcscf.requestsOf('SUBSCRIBE')
  assert.match(first?.headers.get('From') ?? '', /anonymous@anonymous\.invalid/)
  const proof = answered?.headers.get('Authorization') ?? ''
  const of = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(proof)?.[1] ?? ''
  const h = (text: string): string => hash('sha256', text)
  const ha1 = h(`${testCredentials(PLACE).impi}:${realm}:correct horse`)
  assert.equal(of('response'), h(`${ha1}:n:${of('nc')}:${of('cnonce')}:auth:${h(`SUBSCRIBE:${of('uri')}`)}`))
})

test('ue watch shows each notification, and Ctrl-C unsubscribes and de-registers', async () => {
  await using bench = await openBench()
  notifyOnce(bench, writePidf({ entity: BOB, tupleId: 'a', basic: 'open', note: 'Here' }), 'application/pidf+xml')
  const running = bench.run('ue', 'watch', BOB)
  await until(() => bench.stdout().includes('open    "Here"'))
  bench.interrupt.abort()
  assert.equal(await running, 0)
  const ends = bench.pcscf.requests.filter(({ headers }) => headers.get('Expires') === '0')
  assert.deepEqual(
    ends.map(({ method }) => method),
    ['SUBSCRIBE', 'REGISTER', 'REGISTER'],
    'the last one answers a challenge',
  )
  assert.match(bench.stdout(), /de-registered\n$/)
})

test('ue watch goes on watching after the network ended the registration for now (TS 24.229 clause 5.1.1.7)', async () => {
  await using bench = await openBench()
  const notifier = notifierOf(bench.pcscf)
  notifyOnce(bench, writePidf({ entity: BOB, tupleId: 'a', basic: 'open', note: 'Here' }), 'application/pidf+xml')
  const { script } = bench.pcscf
  let isTold = false
  bench.pcscf.script = (request) => {
    if (request.headers.get('Event') !== 'reg') return script(request)
    if (isTold) return { status: 489 }
    return notifier.accept(request, 600_000)
  }
  const running = bench.run('ue', 'watch', BOB)
  await until(() => bench.stdout().includes('open    "Here"'))
  isTold = true
  const uri = String(/<([^>]+)>/.exec(bench.pcscf.requestsOf('SUBSCRIBE').at(-1)?.headers.get('Contact') ?? '')?.[1])
  const body =
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">' +
    `<registration aor="${ALICE}" id="r" state="terminated">` +
    `<contact id="c" state="terminated" event="deactivated"><uri>${uri}</uri></contact></registration></reginfo>`
  await notifier.notify({ headers: [['Content-Type', 'application/reginfo+xml']], body: Buffer.from(body) })
  await until(() => bench.stdout().split('open    "Here"').length === 3)
  assert.match(bench.stdout(), /the network ended the registration \(deactivated\); registering anew/)
  bench.interrupt.abort()
  assert.equal(await running, 0)
})

test("ue winfo asks for the own identity's watchers", async () => {
  await using bench = await openBench()
  const info = { version: 0, state: 'full', resource: ALICE, eventPackage: 'presence', watchers: [] } as const
  notifyOnce(bench, writeWatcherinfo(info), 'application/watcherinfo+xml')
  assert.equal(await bench.run('ue', 'winfo'), 0)
  assert.match(bench.stdout(), /nobody watches/)
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE')[0]?.uri, ALICE)
})

test('a refusal is exit code 1 with its status, and the UE de-registers all the same', async () => {
  await using bench = await openBench()
  bench.pcscf.script = () => ({ status: 403 })
  assert.equal(await bench.run('ue', 'fetch', 'bob'), 1)
  assert.equal(bench.stderr(), 'rollcall: the subscription was refused: 403 Forbidden\n')
  assert.equal(bench.pcscf.requests.at(-1)?.headers.get('Expires'), '0')
})

test('--keylog writes the keys to the file that was asked for', async () => {
  await using bench = await openBench()
  const file = join(bench.folder, 'keys.log')
  assert.equal(await bench.run('ue', 'register', '--keylog', file), 0)
  assert.match(await readFile(file, 'utf8'), /^"IPv4","\*","\*","0x[0-9a-f]{8}","AES-CBC \[RFC3602\]","0x/)
})
