import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { applyDiff, canonical } from '../testing/apply-patch.ts'
import { ANY, anyUsage, Shelf } from '../testing/harness.ts'
import { patchOf } from './patch-of.ts'
import { operationText, type PatchOperation } from './patch-operation.ts'
import { writeXcapDiff } from './write-xcap-diff.ts'

/** Long enough that a patch is shorter. */
const REST = `<z>${'some text that stays as it is. '.repeat(30)}</z>`
const doc = (inner: string): Buffer =>
  Buffer.from(`<?xml version="1.0"?>\n<root xmlns="${ANY}">${inner}${REST}</root>\n`)

const texts = (operations: readonly PatchOperation[] | undefined): string[] =>
  (operations ?? []).map((one) => operationText(one, 'd').replace(` xmlns="${ANY}"`, ''))

/** Whether a client that has `old` gets to `next` by what it is told. */
function assertLeads(old: Buffer, next: Buffer, patch: readonly PatchOperation[]): void {
  const diff = writeXcapDiff('https://xcap.example/', [
    { kind: 'document', sel: 'test/users/sip:a@b/index', previousEtag: '1', newEtag: '2', patch },
  ])
  assert.equal(canonical(applyDiff(old, diff)), canonical(next), diff.toString())
}

test('what a reader has as two line ends is not left as one by taking away what stands between', () => {
  assert.equal(patchOf(doc('\r<a/>\n<b/>'), doc('\r\n<b/>')), undefined)
  assert.equal(texts(patchOf(doc('\r<a/> <b/>'), doc('\r <b/>'))).length, 1)
})

test('each kind of change is told by the operation for it (RFC 5261 sections 4.3, 4.4 and 4.5; RFC 5874 section 3)', () => {
  const rows: readonly (readonly [old: string, next: string, ...operations: string[]])[] = [
    ['<a/>', '<a/><b/>', '<d:add sel="*/*[1]" pos="after"><b/></d:add>'],
    ['\n <a/>\n ', '\n <a/>\n <b/>\n ', '<d:add sel="*/*[1]" pos="after">\n <b/></d:add>'],
    ['<b/>', '<a/><b/>', '<d:add sel="*" pos="prepend"><a/></d:add>'],
    ['\n<b/>', '\n<a/>\t<b/>', '<d:add sel="*/*[1]" pos="before"><a/>\t</d:add>'],
    ['<a/><b/>', '<b/>', '<d:remove sel="*/*[1]"/>'],
    ['<a/> <b/>', '<b/>', '<d:remove sel="*/*[1]" ws="after"/>'],
    [' <a/><b/>', '<b/>', '<d:remove sel="*/*[1]" ws="before"/>'],
    ['\n<a/>\t<b/>', '<b/>', '<d:remove sel="*/*[1]" ws="both"/>'],
    ['<a/><b/><c/>', '', '<d:remove sel="*/*[3]"/>', '<d:remove sel="*/*[2]"/>', '<d:remove sel="*/*[1]"/>'],
    ['<a><b>x</b></a>', '<a><b>y</b></a>', '<d:replace sel="*/*[1]/*[1]"><b>y</b></d:replace>'],
    ['<a/>', '<b/>', '<d:replace sel="*/*[1]"><b/></d:replace>'],
    ['<a/>', '<a><b/></a>', '<d:add sel="*/*[1]" pos="prepend"><b/></d:add>'],
    ['<a i="1"/>', '<a i="2"/>', '<d:replace sel="*/*[1]/@i">2</d:replace>'],
    ['<a/>', '<a i="&lt;&quot;"/>', '<d:add sel="*/*[1]" type="@i">&lt;"</d:add>'],
    ['<a i="1"/>', '<a/>', '<d:remove sel="*/*[1]/@i"/>'],
    ['<a i="1"/>', '<a  i = "&#49;"></a >'],
    ['<a i="1" j="2"/>', '<a j="2" i="1"/>'],
    ['<a/><!-- c --><b/>', '<a/><!-- c -->', '<d:remove sel="*/*[2]"/>'],
    ['<a/>', '<a/><!-- c --><b/>', '<d:add sel="*/*[1]" pos="after"><!-- c --><b/></d:add>'],
    ['<a><!-- c --></a>', '<a><!-- d --></a>', '<d:replace sel="*/*[1]"><a><!-- d --></a></d:replace>'],
  ]
  for (const [old, next, ...expected] of rows) {
    const patch = patchOf(doc(old), doc(next))
    assert.deepEqual(texts(patch), expected, `${old} to ${next}`)
    assertLeads(doc(old), doc(next), patch ?? [])
  }
})

test('what is put in keeps its namespaces, whatever the format itself has for them (RFC 5261 section 4.2.3)', () => {
  const of = (inner: string): Buffer =>
    Buffer.from(
      `<d:root xmlns:d="urn:d" xmlns:d1="urn:e"><d:a>${inner}</d:a>${REST.replaceAll(/z>/g, 'd1:z>')}</d:root>`,
    )
  const [old, next] = [of('<d1:b/>'), of('<d1:b/><d:c xmlns:x="urn:x" x:y="d:z"/>')]
  const patch = patchOf(old, next) ?? []
  assert.equal(patch.length, 1)
  assertLeads(old, next, patch)
})

test('a patch that would not be shorter than the document is none (RFC 5874 section 3)', () => {
  const small = (inner: string): Buffer => Buffer.from(`<root xmlns="${ANY}">${inner}</root>`)
  assert.equal(patchOf(small('<a/>'), small('<b/>')), undefined)
  assert.equal(patchOf(small('text'), small('other')), undefined, 'the root would be replaced')
  assert.equal(patchOf(doc('<a/>'), Buffer.from('<other/>')), undefined)
  assert.deepEqual(patchOf(small('<a/>'), small('<a></a>')), [])
  assert.equal(patchOf(doc(''), Buffer.concat([doc(''), Buffer.from('<!-- c -->')])), undefined, 'outside of the root')
})

test('white space that is no whole text node beside an element is not taken by ws (RFC 5261 section 4.5)', () => {
  for (const [old, next] of [
    [' <!-- c --> <a/><b/>', '<b/>'],
    ['<a/><!-- c --> <b/>', '<b/>'],
    [' x<a/> <b/>', ' <b/>'],
  ] as const) {
    const inOne = (inner: string): Buffer => doc(`<p>${inner}</p>`)
    const patch = patchOf(inOne(old), inOne(next))
    assert.deepEqual(texts(patch), [`<d:replace sel="*/*[1]"><p>${next}</p></d:replace>`], old)
    assertLeads(inOne(old), inOne(next), patch ?? [])
  }
})

const blank = fc.constantFrom('', ' ', '\n  ', '<!-- c -->', 'x', '<![CDATA[y]]>', '&amp;')
const attributes = fc.constantFrom(
  '',
  ' i="1"',
  ' i="2"',
  ' j="&#10;"',
  ' i="1" j="<"'.replace('<', '&lt;'),
  ' p:k="1"',
)
const declared = fc.constantFrom('', '', '', ' xmlns:q="urn:q"', ' xmlns:p="urn:p2"', ' xmlns="urn:other"')

function elementOf(levels: number): fc.Arbitrary<string> {
  const child = levels > 1 ? elementOf(levels - 1) : fc.constantFrom('<a/>', '<b i="1"/>', '<p:c/>')
  return fc
    .tuple(
      fc.constantFrom('a', 'b', 'p:c'),
      attributes,
      declared,
      fc.array(fc.tuple(blank, child), { maxLength: 3 }),
      blank,
    )
    .map(([name, attribute, declaration, children, end]) => {
      const inner = children.map(([before, one]) => before + one).join('') + end
      const start = name + declaration + attribute
      return inner === '' ? `<${start}/>` : `<${start}>${inner}</${name}>`
    })
}

const content = fc.array(fc.tuple(blank, elementOf(3)), { maxLength: 4 }).map((all) => all.flat().join(''))
const wide = (inner: string): Buffer =>
  Buffer.from(`<root xmlns="${ANY}" xmlns:p="urn:p">${inner}<z>${'x'.repeat(4_000)}</z></root>`)

test('whatever became of a document, its patch leads to what is equal in canonical XML (RFC 5261 section 4, RFC 5874 section 1)', () => {
  let told = 0
  fc.assert(
    fc.property(content, content, fc.nat(), fc.boolean(), (one, other, at, isNear) => {
      // Near: one document of which a stretch is another's, so that much of both is alike.
      const cut = isNear ? one.indexOf('<', at % (one.length + 1)) : -1
      const [old, next] = [wide(one), wide(cut < 0 ? other : one.slice(0, cut) + other + one.slice(cut))]
      let patch: readonly PatchOperation[] | undefined
      try {
        patch = patchOf(old, next)
      } catch {
        // What was cut together is no document.
        return
      }
      if (!patch) return
      told++
      assertLeads(old, next, patch)
    }),
    { seed: 5261, numRuns: 2_000 },
  )
  assert.ok(told > 1_000, `${told} patches were looked at`)
})

const step = fc
  .tuple(fc.constantFrom('a', 'b', '*'), fc.option(fc.integer({ min: 1, max: 4 })))
  .map(([tag, at]) => `${tag}${at === null ? '' : `[${at}]`}`)
const node = fc.tuple(fc.array(step, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '/@i', '/@new'))

test('what a request does to a document is told in one operation (RFC 5874 section 3)', () => {
  fc.assert(
    fc.property(
      content,
      node,
      fc.constantFrom('PUT', 'DELETE'),
      elementOf(2),
      (inner, [steps, attribute], method, body) => {
        const shelf = new Shelf(anyUsage, wide(inner).toString())
        const old = shelf.stored?.octets ?? Buffer.alloc(0)
        const outcome = shelf.ask(method, `root/${steps.join('/')}${attribute}`, {
          body: attribute === '' ? body : 'v',
        })
        if (outcome.kind !== 'write' || !outcome.document) return
        const patch = patchOf(old, outcome.document.octets)
        if (!patch) return assert.ok(outcome.document.octets.length < 4_000, 'what is long has a patch that is shorter')
        if (attribute !== '') assert.ok(patch.length <= 1)
        assertLeads(old, outcome.document.octets, patch)
      },
    ),
    { seed: 5874, numRuns: 2_000 },
  )
})
