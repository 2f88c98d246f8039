import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequest } from '@rollcall/sip'
import { ALICE, ALICE_TEL, BOB } from '../testing/inputs.ts'
import { readSelection } from './read-selection.ts'

const CONTEXT = { root: 'https://xcap.ims.example.com/', resource: ALICE, identities: [ALICE, ALICE_TEL] }
const RULES = `pres-rules/users/${ALICE}/index`

function read(o: { event?: string; type?: string; encoding?: string; body?: string }) {
  const headers: [string, string][] = [['Event', o.event ?? 'xcap-diff']]
  if (o.type !== undefined) headers.push(['Content-Type', o.type])
  if (o.encoding !== undefined) headers.push(['Content-Encoding', o.encoding])
  return readSelection(createRequest('SUBSCRIBE', ALICE, headers, Buffer.from(o.body ?? '')), CONTEXT)
}

function list(...uris: readonly string[]): string {
  const entries = uris.map((uri) => `<entry uri="${uri}"/>`)
  return `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${entries.join('')}</list></resource-lists>`
}

test('the body says which documents, the Event header how much of each change (RFC 5875 section 4.2, RFC 5875 section 4.3, RFC 5875 section 4.4)', () => {
  const type = 'application/resource-lists+xml; charset=utf-8'
  assert.deepEqual(
    read({ type, body: list(RULES, `pres-rules/users/${BOB}/index`), event: 'xcap-diff;diff-processing=aggregate' }),
    {
      root: CONTEXT.root,
      selectors: [RULES],
      processing: 'aggregate',
    },
  )
  for (const event of ['xcap-diff', 'xcap-diff;diff-processing=unheard-of', 'xcap-diff;diff-processing']) {
    const selection = read({ type, body: list(RULES), event })
    assert.ok(typeof selection === 'object')
    assert.equal(selection.processing, 'no-patching')
  }
})

test('without a body it is all of the user’s documents', () => {
  const selection = read({})
  assert.ok(typeof selection === 'object')
  assert.deepEqual(selection.selectors, [
    `pres-rules/users/${ALICE}/`,
    `org.openmobilealliance.pres-rules/users/${ALICE}/`,
    `pidf-manipulation/users/${ALICE}/`,
  ])
})

test('a body of another kind, or one that is no list, is refused', () => {
  const type = 'application/resource-lists+xml'
  assert.equal(read({ type: 'application/simple-filter+xml', body: list(RULES) }), 'type')
  assert.equal(read({ body: list(RULES) }), 'type')
  assert.equal(read({ type, encoding: 'gzip', body: list(RULES) }), 'type')
  for (const body of ['<resource-lists', list(), list('/etc/passwd'), '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']) {
    assert.equal(read({ type, body }), 'malformed', body)
  }
})

test('a selection has a bound, and each resource stands in it once, under one spelling of its user', () => {
  const type = 'application/resource-lists+xml'
  const folders = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `pres-rules/users/${ALICE}/f${i}/`)
  assert.equal(typeof read({ type, body: list(...folders(32)) }), 'object')
  assert.equal(read({ type, body: list(...folders(33)) }), 'too-much')
  assert.equal(read({ type, body: list(`pres-rules/users/${ALICE}/${'x'.repeat(900)}`) }) === 'too-much', false)
  const long = Array.from({ length: 5 }, (_, i) => `pres-rules/users/${ALICE}/${'x'.repeat(900)}${i}`)
  assert.equal(read({ type, body: list(...long) }), 'too-much')
  assert.equal(read({ type, body: list(...Array.from({ length: 101 }, (_, i) => `a/users/x/${i}`)) }), 'too-much')
  const spelled = ['alice@ims.example.com', 'alice@IMS.example.com', '%61lice@ims.example.com']
  const selection = read({ type, body: list(...spelled.map((name) => `pres-rules/users/sip:${name}/`)) })
  assert.ok(typeof selection === 'object')
  assert.deepEqual(selection.selectors, [`pres-rules/users/${ALICE}/`])
})
