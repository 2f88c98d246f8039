import assert from 'node:assert/strict'
import test from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { FakeXdms } from '../../testing/fake-xdms.ts'
import { openUtBench, type UtBench } from '../../testing/ut-world.ts'
import { MalformedUtAnswerError, XcapConditionError } from '../errors.ts'

const ADDRESS = '127.47.1.7'
const BOB = parseImpu('sip:bob@home.example')
const CAROL = parseImpu('sip:carol@home.example')

interface Bench extends AsyncDisposable {
  readonly xdms: FakeXdms
  readonly ut: UtBench['ut']
}

async function openBench(): Promise<Bench> {
  const bench = await openUtBench(ADDRESS)
  const xdms = new FakeXdms()
  bench.naf.script = (request) => xdms.answer(request)
  return { xdms, ut: bench.ut, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

/** Who is named in which of our rules. */
async function named(bench: Bench): Promise<Record<string, string[]>> {
  const { rules } = (await bench.ut.rules.get()) ?? { rules: [] }
  return Object.fromEntries(
    rules.map(({ id, who }) => [id, who.map((one) => (one.kind === 'one' ? one.id : one.kind))]),
  )
}

/** Rules of somebody else's hand: comments, a prefix of their own, a rule that we do not touch. */
const FOREIGN = `<?xml version="1.0" encoding="UTF-8"?>
<!-- mine -->
<p:ruleset xmlns:p="urn:ietf:params:xml:ns:common-policy" xmlns:r="urn:ietf:params:xml:ns:pres-rules">
  <p:rule id="friends">
    <p:conditions>
      <p:identity>
        <p:many domain="home.example"/>
        <p:one id="${CAROL}"/>
      </p:identity>
    </p:conditions>
    <p:actions><r:sub-handling>allow</r:sub-handling></p:actions>
    <p:transformations><r:provide-note>true</r:provide-note></p:transformations>
  </p:rule>
</p:ruleset>
`

test('the first rules name one, and let everybody else wait; the next change puts one element (RFC 4825 section 7.4)', async () => {
  await using bench = await openBench()
  assert.equal(await bench.ut.rules.get(), undefined)
  const first = await bench.ut.rules.setHandling(BOB, 'allow')
  assert.deepEqual(first, { isChanged: true, isFirstDocument: true, etag: '"v1"' })
  assert.deepEqual(await named(bench), { 'rollcall-allow': [BOB], 'rollcall-others': ['many'] })
  await bench.ut.rules.setHandling(CAROL, 'allow')
  assert.deepEqual(await named(bench), { 'rollcall-allow': [BOB, CAROL], 'rollcall-others': ['many'] })
  assert.equal(bench.xdms.log.length, 2)
  const again = await bench.ut.rules.setHandling(CAROL, 'allow')
  assert.deepEqual([again.isChanged, bench.xdms.log.length], [false, 2])
})

test('from allowed to politely blocked in one step: added first, taken away then (RFC 5025 section 3.2.1)', async () => {
  await using bench = await openBench()
  await bench.ut.rules.setHandling(BOB, 'allow')
  await bench.ut.rules.setHandling(BOB, 'polite-block')
  assert.deepEqual(bench.xdms.log.slice(1), [
    'PUT cp:ruleset/cp:rule[@id="rollcall-polite-block"]',
    'DELETE cp:ruleset/cp:rule[@id="rollcall-allow"]',
  ])
  await bench.ut.rules.setHandling(BOB, 'block')
  assert.deepEqual(await named(bench), { 'rollcall-others': ['many'], 'rollcall-block': [BOB] })
  assert.match(bench.xdms.document ?? '', /<many><except [^>]*id="sip:bob@home\.example"\/><\/many>/)
})

test("somebody else's rules stay as they are, to the octet, but for what is about one identity", async () => {
  await using bench = await openBench()
  bench.xdms.put(FOREIGN)
  await bench.ut.rules.setHandling(CAROL, 'block')
  const lines = FOREIGN.split('\n')
  const left = (bench.xdms.document ?? '').split('\n')
  for (const line of lines.filter(
    (text) => !text.includes('many') && !text.includes('one id') && !text.includes('</p:rule>'),
  )) {
    assert.ok(left.includes(line), line)
  }
  assert.match(
    bench.xdms.document ?? '',
    /<p:many domain="home.example"><except xmlns="[^"]*" id="sip:carol@home.example"\/>/,
  )
  assert.doesNotMatch(bench.xdms.document ?? '', /<p:one/)
  assert.deepEqual(await named(bench), { friends: ['many'], 'rollcall-block': [CAROL] })
})

test('two terminals at once: whoever is overtaken plans anew, and no accepted change is lost (RFC 4825 section 7.11)', async () => {
  await using bench = await openBench()
  const people = Array.from({ length: 6 }, (_, at): Impu => parseImpu(`sip:friend-${at}@home.example`))
  // Each of them begins before anybody has rules.
  await Promise.all(people.map((one) => bench.ut.rules.setHandling(one, 'allow')))
  const { 'rollcall-allow': allowed } = await named(bench)
  assert.deepEqual(allowed?.toSorted(), people)
})

test('a document that somebody else changed or removed in between is read again; if that never ends, it is told', async () => {
  await using bench = await openBench()
  bench.xdms.put(FOREIGN)
  let turns = 0
  bench.xdms.before = ({ method }) => {
    if (method !== 'PUT' || turns >= 2) return
    turns += 1
    bench.xdms.put(turns === 1 ? undefined : FOREIGN.replace('mine', 'changed'))
  }
  await bench.ut.rules.setHandling(BOB, 'polite-block')
  assert.match(bench.xdms.document ?? '', /changed/)
  bench.xdms.before = ({ method }) => void (method === 'PUT' && bench.xdms.put(FOREIGN))
  await assert.rejects(bench.ut.rules.setHandling(CAROL, 'confirm'), XcapConditionError)
})

test('a document that is no ruleset is not changed', async () => {
  await using bench = await openBench()
  for (const document of ['<a/>', '<ruleset', '<!DOCTYPE a><a/>']) {
    bench.xdms.put(document)
    await assert.rejects(bench.ut.rules.setHandling(BOB, 'allow'), MalformedUtAnswerError)
    assert.equal(bench.xdms.document, document)
  }
})
