import assert from 'node:assert/strict'
import test from 'node:test'
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api'
import { createEnvelope } from '@rollcall/runtime'
import { serializeMessage } from '@rollcall/sip'
import fc from 'fast-check'
import { FIRST_END, notify, register, SECOND_END, securityClient, subscribe, UE } from '../testing/messages.ts'
import { Rig } from '../testing/rig.ts'

/** Pieces that mean something to some parser. */
const PIECES = [
  '',
  '\r\n',
  ',',
  ';',
  '"',
  '<',
  '>',
  '=',
  ':',
  '\0',
  '\\',
  ' ',
  'ÿ',
  '%',
  'sip:',
  '4294967296',
  '\r\n ',
  'tag=',
]

/** Changes to a message: at a place between 0 and 1, so many octets are replaced by a piece. */
const CHANGES = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(12),
    piece: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 })),
  }),
  { minLength: 1, maxLength: 4 },
)

function changed(octets: Buffer, changes: readonly { at: number; length: number; piece: string }[]): Buffer {
  return changes.reduce((message, { at, length, piece }) => {
    const from = Math.floor(at * message.length)
    return Buffer.concat([message.subarray(0, from), Buffer.from(piece, 'latin1'), message.subarray(from + length)])
  }, octets)
}

const SM1 = serializeMessage(register({ headers: [['Security-Client', securityClient(FIRST_END)]] }))

test('whatever becomes of a REGISTER on its way, it is answered or dropped, and leaves no attempt without an end', () => {
  fc.assert(
    fc.property(CHANGES, (changes) => {
      const rig = new Rig({ ROLLCALL_PCSCF_SOURCE_BURST: 1_000 })
      rig.unprotected(changed(SM1, changes))
      for (const request of rig.coreRequests) request.respond(403)
      assert.equal(rig.context.attempts.size + rig.installed.size + rig.gm.unanswered, 0)
    }),
    { seed: 3261, numRuns: 1500 },
  )
})

test('whatever a registered UE sends in its SA, the P-CSCF goes on, and asserts nobody else', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_CONTACT_BURST: 100_000, ROLLCALL_PCSCF_TRANSACTIONS_MAX: 100_000 })
  const set = await rig.register()
  const messages = [
    serializeMessage(subscribe({ headers: [['P-Preferred-Identity', '<tel:+15550100>']] })),
    serializeMessage(
      register({
        via: `SIP/2.0/UDP ${UE}:15064`,
        callId: 'again',
        headers: [['Security-Client', securityClient(SECOND_END)]],
      }),
    ),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...messages), CHANGES, (message, changes) => {
      const before = rig.coreRequests.length
      rig.protected(set, changed(message, changes))
      for (const { envelope, respond } of rig.coreRequests.slice(before)) {
        assert.equal(envelope.impi, set.impi)
        for (const impu of envelope.assertedIdentities) assert.match(impu, /^(?:sip:alice@|tel:\+15550100$)/)
        respond(403)
      }
      assert.equal(rig.gm.unanswered + rig.context.attempts.size, 0)
    }),
    { seed: 3329, numRuns: 1500 },
  )
  assert.equal(rig.context.sets.find(set.id)?.state, 'established')
})

test('whatever the hop brings, the P-CSCF goes on', async () => {
  const rig = new Rig()
  await rig.register()
  const span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  const message = notify(rig.token)
  fc.assert(
    fc.property(CHANGES, (changes) => {
      rig.terminating.handle({ sip: changed(message, changes), envelope: createEnvelope(), span }, () => {})
    }),
    { seed: 3327, numRuns: 1500 },
  )
})

test('whatever the core answers to a REGISTER, no key reaches the UE', async () => {
  const challenge = `Digest realm="x",nonce="bm9uY2U=",algorithm=AKAv1-MD5,ck="${'ab'.repeat(16)}",ik="${'cd'.repeat(16)}"`
  await fc.assert(
    fc.asyncProperty(CHANGES, fc.constantFrom(401, 407, 200, 403), async (changes, status) => {
      const rig = new Rig()
      rig.unprotected(SM1)
      const value = changed(Buffer.from(challenge), changes)
        .toString('latin1')
        .replace(/[\r\n\0]|[^\x20-\xff]/g, '')
      rig.coreRequest.respond(status, [['WWW-Authenticate', value.trim() || 'x']])
      await rig.settle()
      const told = rig.sent.map(({ message }) => serializeMessage(message).toString('latin1')).join('')
      // What is damaged may no longer be a key, nor be called one; whole, it never leaves.
      assert.doesNotMatch(told, /\bck="?(?:ab){16}|\bik="?(?:cd){16}/i)
      assert.equal(rig.gm.unanswered, 0)
    }),
    { seed: 24229, numRuns: 500 },
  )
})
