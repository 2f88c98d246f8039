import assert from 'node:assert/strict'
import test from 'node:test'
import { requestInAnothersName, sendOctets, Wiretap } from './adversary.ts'
import { MessageTooLargeError, NotRegisteredError, PublicationEndedError, PublicationRefusedError } from './errors.ts'
import type { ScriptedAnswer } from './testing/fake-pcscf.ts'
import { ALICE, BOB, openBench, placeOf, until } from './testing/world.ts'

const PLACE = placeOf(3)
const BODY = Buffer.from('<presence/>')

/** A compositor that counts its entity-tags. */
function compositor(grantedSeconds = 600): () => ScriptedAnswer {
  let count = 0
  return () => ({
    status: 200,
    headers: [
      ['SIP-ETag', `tag-${++count}`],
      ['Expires', String(grantedSeconds)],
    ],
  })
}

test('publishes, modifies, refreshes and removes, each with the entity-tag of the last (RFC 3903 section 4)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = compositor()
  const publication = await bench.ue.publish({ body: BODY })
  await publication.modify(Buffer.from('<presence note=""/>'))
  await publication.refresh()
  await publication.remove()
  const seen = bench.pcscf
    .requestsOf('PUBLISH')
    .map(({ uri, headers, body }) => [
      uri,
      headers.get('SIP-If-Match'),
      headers.get('Expires'),
      headers.get('Content-Type'),
      body.length,
    ])
  assert.deepEqual(seen, [
    [ALICE, undefined, '3600', 'application/pidf+xml', 11],
    [ALICE, 'tag-1', '3600', 'application/pidf+xml', 19],
    [ALICE, 'tag-2', '3600', undefined, 0],
    [ALICE, 'tag-3', '0', undefined, 0],
  ])
  await assert.rejects(publication.refresh(), PublicationEndedError)
})

test('a later run replaces or removes what an earlier one published, by its entity-tag; a lost one is published anew', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const accept = compositor()
  bench.pcscf.script = (request) => (request.headers.get('SIP-If-Match') === 'lost' ? { status: 412 } : accept())
  await bench.ue.publish({ body: BODY, replaces: 'known' })
  await bench.ue.publish({ body: BODY, replaces: 'lost' })
  await bench.ue.unpublish({ entityTag: 'known-2' })
  const seen = bench.pcscf
    .requestsOf('PUBLISH')
    .map(({ headers }) => [headers.get('SIP-If-Match'), headers.get('Expires')])
  assert.deepEqual(seen, [
    ['known', '3600'],
    ['lost', '3600'],
    [undefined, '3600'],
    ['known-2', '0'],
  ])
  await assert.rejects(bench.ue.unpublish({ entityTag: 'lost' }), { code: 'UE_PUBLICATION_REFUSED', status: 412 })
})

test('operations asked for at once run one after the other', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = compositor()
  const publication = await bench.ue.publish({ body: BODY })
  await Promise.all([publication.modify(BODY), publication.modify(BODY), publication.refresh()])
  assert.deepEqual(
    bench.pcscf.requestsOf('PUBLISH').map(({ headers }) => headers.get('SIP-If-Match')),
    [undefined, 'tag-1', 'tag-2', 'tag-3'],
  )
})

test('a refusal is told with its status: 412 for a lost entity-tag (RFC 3903 section 6)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = compositor()
  const publication = await bench.ue.publish({ body: BODY })
  bench.pcscf.script = () => ({ status: 412 })
  await assert.rejects(publication.modify(BODY), (error: unknown) => {
    assert.ok(error instanceof PublicationRefusedError)
    return error.status === 412
  })
})

test('a refresh by itself that finds the entity-tag lost publishes anew (RFC 3903 section 4.3)', async () => {
  await using bench = await openBench(PLACE, { settings: { refreshes: true, registrationSeconds: 7200 } })
  await bench.ue.register()
  const accept = compositor(1)
  bench.pcscf.script = (request) => (request.headers.get('SIP-If-Match') === 'tag-1' ? { status: 412 } : accept())
  await bench.ue.publish({ body: BODY })
  await until(() => bench.pcscf.requestsOf('PUBLISH').length >= 3)
  const [, refresh, anew] = bench.pcscf.requestsOf('PUBLISH')
  assert.equal(refresh?.headers.get('SIP-If-Match'), 'tag-1')
  assert.equal(anew?.headers.get('SIP-If-Match'), undefined)
  assert.deepEqual(anew?.body, BODY)
})

test('an interval that is too brief is asked for again as the compositor wants (RFC 3903 section 6)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const accept = compositor()
  bench.pcscf.script = (request) =>
    Number(request.headers.get('Expires')) < 60 ? { status: 423, headers: [['Min-Expires', '60']] } : accept()
  await bench.ue.publish({ body: BODY, expiresSeconds: 5 })
  assert.equal(bench.pcscf.requestsOf('PUBLISH').at(-1)?.headers.get('Expires'), '60')
})

test('nothing is published without a registration, and nothing that one packet cannot carry', async () => {
  await using bench = await openBench(PLACE)
  await assert.rejects(bench.ue.publish({ body: BODY }), NotRegisteredError)
  await bench.ue.register()
  await assert.rejects(bench.ue.publish({ body: Buffer.alloc(9000) }), MessageTooLargeError)
  assert.equal(bench.pcscf.requestsOf('PUBLISH').length, 0)
})

test("an attacker can claim another's name in From and P-Preferred-Identity, in SAs of his own", async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = () => ({ status: 403 })
  const answer = await requestInAnothersName(bench.ue, {
    method: 'PUBLISH',
    uri: BOB,
    claimed: BOB,
    eventPackage: 'presence',
    body: { contentType: 'application/pidf+xml', octets: BODY },
  })
  assert.equal(answer.status, 403)
  const [publish] = bench.pcscf.requestsOf('PUBLISH')
  assert.equal(publish?.headers.get('P-Preferred-Identity'), `<${BOB}>`)
})

test('a packet that was overheard and is sent once more is dropped as a replay (RFC 4303 section 3.4.3)', async () => {
  using tap = new Wiretap({ address: PLACE.ue, port: 14_500 })
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = compositor()
  await bench.ue.publish({ body: BODY })
  const packet = tap.lastPacket
  assert.ok(packet)
  const before = bench.pcscf.requests.length
  await sendOctets({ fromAddress: PLACE.attacker, to: { address: PLACE.pcscf, port: 14_500 }, octets: packet })
  await until(() => bench.pcscf.drops.includes('replay'))
  assert.equal(bench.pcscf.requests.length, before)
})
