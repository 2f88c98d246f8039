import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpu } from '@rollcall/core'
import { childElements, parseXml } from '@rollcall/xml'
import { MalformedUtAnswerError } from './errors.ts'
import { DOCUMENT_LIMITS } from './limits.ts'
import { readXcapDiff, watchDocuments } from './xcap-diff.ts'

const ALICE = parseImpu('sip:alice@home.example')

test('a subscription names each document in a flat list (RFC 5875 section 4.4)', () => {
  const selectors = ['pres-rules/users/sip:alice@home.example/index', 'a/users/x/y?xmlns(a=b&c)"']
  const { uri, eventPackage, body } = watchDocuments(ALICE, selectors)
  assert.deepEqual([uri, eventPackage, body?.contentType], [ALICE, 'xcap-diff', 'application/resource-lists+xml'])
  const [list] = childElements(parseXml(body?.octets ?? Buffer.alloc(0), DOCUMENT_LIMITS))
  assert.ok(list)
  assert.deepEqual(
    childElements(list).map(({ attributes }) => attributes[0]?.value),
    [selectors[0], 'a/users/x/y?xmlns(a=b&c)%22'],
  )
})

test('a notification tells what is new, changed and gone (RFC 5874 section 3)', () => {
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<d:xcap-diff xmlns:d="urn:ietf:params:xml:ns:xcap-diff" xcap-root="https://xcap.home.example/">
  <d:document sel="pres-rules/users/sip:alice@home.example/index" new-etag="one"/>
  <d:document sel="a/users/b/c" previous-etag="&quot;one&quot;" new-etag="&quot;two&quot;"><d:body-not-changed/></d:document>
  <d:document sel="d/users/e/f" previous-etag="two"/>
  <d:element sel="x/~~/y" exists="true"/>
</d:xcap-diff>`
  assert.deepEqual(readXcapDiff(Buffer.from(body)), [
    { selector: 'pres-rules/users/sip:alice@home.example/index', previousEtag: undefined, newEtag: '"one"' },
    { selector: 'a/users/b/c', previousEtag: '"one"', newEtag: '"two"' },
    { selector: 'd/users/e/f', previousEtag: '"two"', newEtag: undefined },
  ])
})

test('what is no xcap-diff is told', () => {
  for (const body of ['', '<a/>', '<xcap-diff', '<xcap-diff xmlns="urn:x"/>']) {
    assert.throws(() => readXcapDiff(Buffer.from(body)), MalformedUtAnswerError)
  }
})
