import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ConfigError } from '@rollcall/runtime'
import { cseq, type SipRequest, type SipResponse } from '@rollcall/sip'
import { pidf } from '../testing/inputs.ts'
import { Stack, until } from '../testing/stack.ts'
import { UdpClient } from '../testing/udp-client.ts'

const ADDRESS = '127.1.5.10'
const PORT = 15_280
const CLIENT = '127.1.5.11'
const ALICE = 'sip:alice@example.com'
const BOB = 'sip:bob@example.org'

const OPEN = {
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: `udp:${ADDRESS}:${PORT}`,
  ROLLCALL_PRESENCE_UNPROTECTED_USERS: 'any',
  ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS: '5000',
  ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0',
}

let stack: Stack
let client: UdpClient

before(async () => {
  stack = await Stack.start(ADDRESS, { isEmpty: true })
  await stack.replica(0, OPEN).start()
  client = await UdpClient.open(CLIENT, { address: ADDRESS, port: PORT })
})

after(async () => {
  await client?.[Symbol.asyncDispose]()
  await stack?.[Symbol.asyncDispose]()
})

const EVENT = ['Event', 'presence'] as const
const contact = (): readonly [string, string] => ['Contact', `<sip:bob@${client.at}>`]
const tagOf = (response: SipResponse): string | undefined => /tag=([^;]+)/.exec(response.headers.get('To') ?? '')?.[1]

function publish(from = ALICE, for_ = ALICE): SipRequest {
  return client.request('PUBLISH', for_, from, [EVENT, ['Content-Type', 'application/pidf+xml']], pidf('here'))
}

function subscribe(to: string): SipRequest {
  return client.request('SUBSCRIBE', to, BOB, [EVENT, ['Expires', '3600'], contact()])
}

test('PUBLISH, SUBSCRIBE, NOTIFY over plain UDP: identity from From, users without HSS', async () => {
  const published = await client.ask(publish())
  assert.equal(published.status, 200)
  const first = client.nextNotify()
  const asked = subscribe(ALICE)
  const response = await client.ask(asked)
  assert.equal(response.status, 200)
  const target = /^<(sip:presence-\d+@127\.1\.5\.10:15280)>$/.exec(response.headers.get('Contact') ?? '')?.[1]
  assert.ok(target, 'our Contact is where plain SIP reaches us')
  const notify = await first
  assert.equal(notify.uri, `sip:bob@${client.at}`)
  assert.match(notify.headers.get('Via') ?? '', /^SIP\/2\.0\/UDP 127\.1\.5\.10:15280;branch=/)
  assert.ok(notify.body.includes('here'))
  assert.equal(notify.headers.get('Call-ID'), asked.headers.get('Call-ID'))

  const last = client.nextNotify()
  const leave = client.request('SUBSCRIBE', target, BOB, [EVENT, ['Expires', '0'], contact()])
  for (const name of ['From', 'Call-ID']) leave.headers.set(name, asked.headers.get(name) ?? '')
  leave.headers.set('To', response.headers.get('To') ?? '')
  assert.equal((await client.ask(leave)).status, 200)
  assert.equal((await last).headers.get('Subscription-State'), 'terminated;reason=timeout')
})

test('nobody publishes for somebody else: the domain of the sender is not enough', async () => {
  assert.equal((await client.ask(publish(BOB, ALICE))).status, 403)
})

test('a retransmission gets the answer that was given: what was accepted, and what was refused (RFC 3261 section 17.2.2)', async () => {
  const accepted = publish()
  const [one, two] = [await client.ask(accepted), await client.ask(accepted)]
  assert.equal(one.headers.get('SIP-ETag'), two.headers.get('SIP-ETag'))
  assert.equal(tagOf(one), tagOf(two))
  const refused = client.request('PUBLISH', ALICE, ALICE, [EVENT, ['SIP-If-Match', 'never']])
  const [three, four] = [await client.ask(refused), await client.ask(refused)]
  assert.deepEqual([three.status, four.status], [412, 412])
  assert.ok(tagOf(three))
  assert.equal(tagOf(three), tagOf(four))
})

test('a NOTIFY is sent again until it is answered, with the same branch and CSeq (RFC 3261 section 17.1.2)', async () => {
  client.notifyStatus = undefined
  const first = client.nextNotify()
  assert.equal((await client.ask(subscribe(ALICE))).status, 200)
  const one = await first
  const again = client.nextNotify()
  const two = await again
  assert.equal(one.headers.get('Via'), two.headers.get('Via'))
  assert.equal(cseq(one).sequence, cseq(two).sequence)
  client.notifyStatus = 481
  await client.nextNotify()
  client.notifyStatus = 200
  const ended = 'rollcall_presence_notifies_total{outcome="gone"'
  await until(async () => (await stack.metric(ended)) === 1, 'the subscription has ended')
})

test('what cannot be read is answered as far as possible, or dropped and counted', async () => {
  const via = `Via: SIP/2.0/UDP ${client.at};branch=z9hG4bK-bad`
  const rest = 'From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: bad\r\nCSeq: 1 PUBLISH'
  const bad = Buffer.from(`PUBLISH sip:a@b SIP/2.0\r\n${via}\r\n${rest}\r\nContent-Length: 9\r\n\r\n`)
  assert.equal((await client.ask(bad)).status, 400)
  const noTag = publish()
  noTag.headers.set('From', `<${ALICE}>`)
  assert.equal((await client.ask(noTag)).status, 400)
  assert.equal((await client.ask(client.request('OPTIONS', ALICE, ALICE, []))).status, 405)
  for (const octets of ['', 'nonsense', 'PUBLISH sip:a@b SIP/2.0\r\n\r\n']) client.send(Buffer.from(octets))
  client.send(Buffer.from(`SIP/2.0 200 OK\r\n${via}\r\n\r\n`))
  client.send(client.request('ACK', ALICE, ALICE, []))
  const dropped = 'rollcall_presence_dropped_total'
  await until(async () => (await stack.metric(`${dropped}{reason="unreadable"`)) === 3, 'they are counted')
  assert.equal(await stack.metric(`${dropped}{reason="response"`), 1)
})

test('that it is insecure stands in /readyz', () => {
  const { ready, reasons } = stack.presence?.ready() ?? { ready: false, reasons: [] }
  assert.ok(ready)
  assert.equal(reasons.filter((reason) => reason.startsWith('insecure')).length, 2)
})

test('an address other than loopback is refused before anything starts', async () => {
  const over = { ...OPEN, ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: 'udp:0.0.0.0:15281' }
  await assert.rejects(stack.replica(1, over).start(), ConfigError)
})
