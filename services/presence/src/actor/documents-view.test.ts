import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE } from '../testing/inputs.ts'
import { type DocumentStep, Documents } from './documents.ts'
import { DocumentsView } from './documents-view.ts'
import { emptyState } from './state.ts'

const KEY = 'pres-rules index'
const SELECTION = {
  root: 'https://xcap.ims.example.com/',
  selectors: [`pres-rules/users/${ALICE}/index`],
  processing: 'xcap-patching',
} as const

/** A version of 20 kB whose last element changes. */
function version(n: number): { etag: string; octets: Buffer } {
  const octets = Buffer.from(`<a xmlns="urn:x">${'<b c="dddddddddd"/>'.repeat(1_000)}<e f="${n}"/></a>`)
  return { etag: `v${n}`, octets }
}

test('of many changes of large documents those that come first are told with their patches, all with their entity-tags', () => {
  const state = emptyState(ALICE)
  state.documents = new Documents()
  const steps: DocumentStep[] = []
  for (let n = 0; n < 40; n++) steps.push({ key: KEY, before: version(n), after: version(n + 1) })
  const last = version(40)
  state.documents.set(KEY, last)
  const body = DocumentsView.since(state, steps).body(SELECTION, ALICE).toString()
  assert.equal(body.match(/new-etag/g)?.length, 40)
  const patched = body.match(/:replace /g)?.length ?? 0
  assert.ok(patched > 5 && patched < 20, `${patched} patches`)
})
