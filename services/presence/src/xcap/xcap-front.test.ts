import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import type { AuditEvent, Metrics } from '@rollcall/runtime'
import { UserDataUnavailableError } from '../errors.ts'
import { PresenceEvents } from '../events.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY, BOB, pidf } from '../testing/inputs.ts'
import { Stage } from '../testing/stage.ts'
import { parseAssertedIdentity } from './asserted-identity.ts'
import { XcapFront } from './xcap-front.ts'
import type { XcapAnswer, XcapMessage } from './xcap-message.ts'

const RULES =
  '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules"></cp:ruleset>'

/** A front with alice's partition here, and everything else played. */
async function stand() {
  const owner = await new Stage().own()
  const clock = new VirtualClock()
  const audited: AuditEvent[] = []
  const forwarded: XcapMessage[] = []
  const world = { place: 'here' as 'here' | 'elsewhere' | 'moving', hss: true }
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  const alice = { canonical: ALICE, partition: 3, impus: [ALICE, ALICE_TEL], policy: ALICES_POLICY, revision: 1n }
  const front = new XcapFront({
    users: {
      peek: () => 'missing',
      async fetch(impu) {
        if (!world.hss) throw new UserDataUnavailableError('the HSS gives no answer')
        return alice.impus.includes(impu) ? alice : undefined
      },
    },
    partitions: {
      isOpen: true,
      has: () => true,
      partitionOf: () => 3,
      ownerOf: () => (world.place === 'here' ? owner : undefined),
      ownerElsewhere: () => (world.place === 'elsewhere' ? { target: 'other:1' } : undefined),
    },
    events: new PresenceEvents({ metrics, audit: (event) => void audited.push(event) }),
    clock,
    random: seededRandom('xcap'),
    root: 'https://xcap.example.com/root/',
    async forward(_, message) {
      forwarded.push(message)
      return { status: 200, headers: { etag: '"theirs"' }, body: Buffer.alloc(0) }
    },
  })
  const ask = (o: Partial<XcapMessage> = {}, isForwarded = false): Promise<XcapAnswer> =>
    front.answer(
      {
        method: 'GET',
        target: `/root/pres-rules/users/${ALICE}/index`,
        identities: [ALICE, ALICE_TEL],
        contentType: 'application/auth-policy+xml; charset=UTF-8',
        ifMatch: undefined,
        ifNoneMatch: undefined,
        body: Buffer.alloc(0),
        traceparent: '',
        ...o,
      },
      isForwarded,
    )
  return { ask, world, audited, forwarded }
}

test('a user puts, reads and deletes a document of rules, under any of the user’s identities', async () => {
  const { ask, audited } = await stand()
  assert.equal((await ask()).status, 404)
  const put = await ask({ method: 'PUT', body: Buffer.from(RULES) })
  assert.equal(put.status, 201)
  const read = await ask({ target: `/root/pres-rules/users/${encodeURIComponent(ALICE_TEL)}/index` })
  assert.equal(read.body.toString(), RULES)
  assert.deepEqual(read.headers, {
    'content-type': 'application/auth-policy+xml',
    etag: put.headers.etag,
    // RFC 4825 section 9
    'cache-control': 'no-cache',
  })
  assert.equal((await ask({ ifNoneMatch: read.headers.etag })).status, 304)
  assert.equal((await ask({ method: 'DELETE' })).status, 200)
  assert.deepEqual(
    audited.map(({ event, outcome, reason }) => [event, outcome, reason]),
    [
      ['document.changed', 'allowed', '201'],
      ['document.changed', 'allowed', '200'],
    ],
  )
})

test('another’s tree is refused, whoever asks and whatever for, and audited (RFC 5025 section 9.9)', async () => {
  const { ask, audited } = await stand()
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']) {
    assert.equal((await ask({ method, identities: [BOB], body: Buffer.from(RULES) })).status, 403, method)
    assert.equal((await ask({ method, identities: [] })).status, 403, method)
  }
  assert.equal((await ask({ target: `/root/pres-rules/users/${BOB}/index` })).status, 403)
  assert.ok(audited.length >= 7)
})

test('what is named must be there: user, usage, document', async () => {
  const { ask } = await stand()
  const target = (path: string): Promise<XcapAnswer> => ask({ target: `/root/${path}` })
  assert.equal((await ask({ target: `/pres-rules/users/${ALICE}/index` })).status, 404)
  assert.equal((await target(`resource-lists/users/${ALICE}/index`)).status, 404)
  assert.equal((await target(`pres-rules/users/${ALICE}/other`)).status, 404)
  assert.equal((await target(`pres-rules/users/..%2f..%2fetc/index`)).status, 404)
  assert.equal((await target('pres-rules/global/index')).status, 404)
  assert.equal((await target(`pres-rules/users/${ALICE}/index/~~/%ff`)).status, 400)
})

test('everybody reads what the server can do, and nobody writes it (RFC 4825 section 12)', async () => {
  const { ask } = await stand()
  const caps = await ask({ target: '/root/xcap-caps/global/index', identities: [BOB] })
  assert.match(caps.body.toString(), /<auid>pres-rules<\/auid>.*<auid>xcap-caps<\/auid>/)
  assert.equal((await ask({ method: 'PUT', target: '/root/xcap-caps/global/index' })).status, 403)
})

test('a user has a directory of the user’s documents', async () => {
  const { ask } = await stand()
  await ask({ method: 'PUT', body: Buffer.from(RULES) })
  await ask({
    method: 'PUT',
    target: `/root/pidf-manipulation/users/${ALICE}/index`,
    contentType: 'application/pidf+xml',
    body: pidf('always'),
  })
  const target = `/root/org.openmobilealliance.xcap-directory/users/${ALICE}/directory.xml`
  const directory = (await ask({ target })).body.toString()
  assert.match(directory, /uri="https:\/\/xcap\.example\.com\/root\/pres-rules\/users\/sip:alice@[^"]*\/index" etag="/)
  assert.match(directory, /<folder auid="pidf-manipulation">/)
  assert.equal((await ask({ target, method: 'DELETE' })).status, 405)
})

test('what another replica owns goes there once; what is on its way, or not to be had, is 503', async () => {
  const { ask, world, forwarded } = await stand()
  world.place = 'elsewhere'
  assert.equal((await ask()).headers.etag, '"theirs"')
  assert.equal(forwarded.length, 1)
  assert.equal((await ask({}, true)).status, 503, 'no further')
  world.place = 'moving'
  const moving = await ask()
  assert.deepEqual([moving.status, moving.headers['retry-after']], [503, '1'])
  world.hss = false
  assert.equal((await ask()).status, 503)
})

test('the header of the proxy names identities, or nobody (TS 24.109)', () => {
  const rows: readonly (readonly [string | undefined, readonly string[]])[] = [
    [undefined, []],
    ['', []],
    ['"sip:a@b"', ['sip:a@b']],
    [' "sip:a@b" , "tel:+1"', ['sip:a@b', 'tel:+1']],
    ['sip:a@b', []],
    ['"sip:a@b", tel:+1', []],
    ['"sip:a@b" "tel:+1"', []],
    ['"sip:a b"', []],
    [Array.from({ length: 65 }, () => '"sip:a@b"').join(','), []],
  ]
  for (const [field, identities] of rows) assert.deepEqual(parseAssertedIdentity(field), identities, String(field))
})
