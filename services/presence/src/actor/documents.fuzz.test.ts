import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules } from '@rollcall/policy'
import {
  decideXcap,
  OMA_PRESENCE_RULES_USAGE,
  PRESENCE_RULES_USAGE,
  parseXcapUri,
  type XcapUsage,
} from '@rollcall/xcap'
import fc from 'fast-check'
import { ALICE, BOB } from '../testing/inputs.ts'

/** A rules document with everything in it, cut into pieces at its tags: pieces that are left out or repeated spoil it. */
const PIECES =
  `<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules" xmlns:o="urn:oma:xml:xdm:common-policy">|<cp:rule id="a">|<cp:conditions>|<cp:identity>|<cp:one id="${BOB}"/>|<cp:many domain="example.com">|<cp:except id="sip:x@example.com"/>|</cp:many>|</cp:identity>|<cp:sphere value="work"/>|<cp:validity>|<cp:from>2026-01-01T00:00:00Z</cp:from>|<cp:until>2027-01-01T00:00:00Z</cp:until>|</cp:validity>|</cp:conditions>|<cp:actions>|<sub-handling>allow</sub-handling>|</cp:actions>|<cp:transformations>|<provide-services>|<service-uri-scheme>sip</service-uri-scheme>|<all-services/>|</provide-services>|<provide-persons>|<class>x</class>|</provide-persons>|<provide-note>true</provide-note>|<provide-user-input>full</provide-user-input>|<provide-unknown-attribute name="n" ns="urn:n">true</provide-unknown-attribute>|</cp:transformations>|</cp:rule>|<cp:rule id="b">|<cp:conditions>|<o:other-identity/>|</cp:conditions>|</cp:rule>|</cp:ruleset>`.split(
    '|',
  )

function isAccepted(usage: XcapUsage, body: Buffer): boolean {
  const name = usage === PRESENCE_RULES_USAGE ? 'index' : 'pres-rules'
  const uri = parseXcapUri(`/${usage.auid}/users/${ALICE}/${name}`)
  const request = { method: 'PUT', uri, contentType: usage.mediaType, body, ifMatch: undefined, ifNoneMatch: undefined }
  return decideXcap(request, undefined, usage, 'e').kind === 'write'
}

test('whatever is stored as rules can be decided by: a document is checked when it is put, not when somebody subscribes', () => {
  const accepted = { spoiled: 0 }
  const change = fc.record({
    at: fc.nat(PIECES.length - 1),
    count: fc.integer({ min: 1, max: 4 }),
    what: fc.constantFrom('leave out', 'repeat', 'empty', 'rename'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 2 }), (changes) => {
      const pieces = [...PIECES]
      for (const { at, count, what } of changes) {
        const some = pieces.slice(at, at + count)
        if (what === 'leave out') pieces.splice(at, count)
        else if (what === 'repeat') pieces.splice(at, 0, ...some)
        else if (what === 'empty') pieces.splice(at, count, ...some.map((one) => one.replace(/>[^<]*</, '><')))
        else pieces.splice(at, count, ...some.map((one) => one.replace(/"[^"]*"/, '""')))
      }
      const body = Buffer.from(pieces.join(''))
      for (const usage of [PRESENCE_RULES_USAGE, OMA_PRESENCE_RULES_USAGE]) {
        if (!isAccepted(usage, body)) continue
        if (changes.length > 0) accepted.spoiled += 1
        assert.doesNotThrow(() => compileRules(body))
      }
    }),
    { seed: 5025, numRuns: 2_000 },
  )
  assert.ok(accepted.spoiled > 100, `${accepted.spoiled} of the changed documents were accepted`)
})
