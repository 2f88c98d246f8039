import assert from 'node:assert/strict'
import test from 'node:test'
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api'
import { createEnvelope } from '@rollcall/runtime'
import { sweep } from './sweep.ts'
import {
  FIRST_END,
  notify,
  register,
  SECOND_END,
  securityClient,
  subscribe,
  THIRD_END,
  UE,
} from './testing/messages.ts'
import { grantHeaders, Rig } from './testing/rig.ts'

const SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

/** Everything that this P-CSCF remembers, by table. */
function tables(rig: Rig): Record<string, number> {
  const { attempts, contacts, dialogs, impiBuckets, sets } = rig.context
  const { server, client } = rig.gm.transactions
  return {
    attempts: attempts.size,
    backEnd: rig.installed.size,
    contacts: contacts.size,
    leaving: contacts.leaving,
    dialogs: dialogs.size,
    impiBuckets: impiBuckets.size,
    portPcs: rig.ports.size,
    regSubscriptions: rig.regEvent.size,
    remembered: rig.gm.remembered + rig.terminating.remembered,
    sets: sets.size,
    spis: rig.spis.size,
    transactions: server + client,
    timers: rig.clock.pending,
    unanswered: rig.gm.unanswered,
  }
}

const EMPTY = Object.fromEntries(Object.keys(tables(new Rig())).map((name) => [name, 0]))

/** Lets the service's own sweep come around. */
function sweepAll(rig: Rig): void {
  sweep(rig.context, rig.regEvent, [rig.gm, rig.terminating])
}

/** A UE that has used everything there is: two sets, a pending attempt, a dialog, requests both ways. */
async function busy(): Promise<{ rig: Rig; token: string }> {
  const rig = new Rig({ ROLLCALL_PCSCF_REG_EVENT: true })
  const first = await rig.register({ expires: 3_600 })
  const { token } = rig
  rig.protected(first, subscribe())
  rig.coreRequest.respond(200, [['Expires', '3600']])
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.coreRequest.respond(200, grantHeaders({ granted: 3_600 }))
  await rig.settle()
  rig.protected(second, subscribe({ callId: 'another' }))
  rig.coreRequest.end({ kind: 'timeout' })
  const envelope = createEnvelope()
  rig.terminating.handle({ sip: notify(token), envelope, span: SPAN }, () => {})
  await rig.challenge({ callId: 'stranger', end: THIRD_END, source: { address: '127.0.1.66', port: 1 } })
  rig.unprotected(register({ callId: 'refused', headers: [['Security-Client', securityClient(FIRST_END)]] }), {
    address: '127.0.1.67',
    port: 1,
  })
  rig.coreRequest.respond(403)
  return { rig, token }
}

test('when its time is over, nothing is left of a UE: no contact, set, port, SPI, attempt, token or timer (TS 24.229 clause 5.2.2.2)', async () => {
  const { rig, token } = await busy()
  const used = Object.entries(tables(rig)).filter(([, count]) => count > 0)
  assert.ok(used.length >= 11, JSON.stringify(used))
  rig.clock.advance(3_630_000)
  sweepAll(rig)
  rig.clock.advance(128_000)
  sweepAll(rig)
  // Requests that were under way meanwhile end by their own timers.
  for (const { end } of rig.coreRequests) end({ kind: 'timeout' })
  rig.clock.advance(128_000)
  sweepAll(rig)
  assert.deepEqual(tables(rig), EMPTY)
  const answers: Buffer[] = []
  rig.terminating.handle(
    { sip: notify(token), envelope: createEnvelope(), span: SPAN },
    (sip) => void answers.push(sip),
  )
  assert.match(String(answers[0]), /^SIP\/2\.0 404 /)
})

test('when it de-registers, nothing is left after 64*T1 (TS 24.229 clause 5.2.5.1)', async () => {
  const { rig } = await busy()
  const set = rig.context.sets.setsOf(rig.newestSet().impi).findLast(({ state }) => state === 'established')
  assert.ok(set)
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, cseq: 9, callId: 'leave', expires: 0 }))
  rig.coreRequest.respond(200, [])
  await rig.settle()
  assert.equal(rig.context.contacts.size, 0)
  // The stranger's attempt ends by reg-await-auth, dialogs by their subscription.
  rig.clock.advance(3_600_000 + 128_000)
  sweepAll(rig)
  assert.deepEqual(tables(rig), EMPTY)
})

test('a registration that is shorter than its sets takes them along (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const set = await rig.register({ expires: 600_000 })
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, cseq: 9, callId: 'short' }))
  rig.coreRequest.respond(200, grantHeaders({ granted: 60 }))
  await rig.settle()
  assert.ok((rig.context.sets.find(set.id)?.expiresAtMs ?? 0) > rig.clock.monotonic() + 600_000_000)
  rig.clock.advance(90_000)
  sweepAll(rig)
  assert.equal(rig.context.sets.find(set.id)?.state, 'closing')
  assert.ok(rig.audits.some(({ event, reason }) => event === 'registration.ended' && reason === 'expired'))
  rig.clock.advance(128_000)
  sweepAll(rig)
  assert.deepEqual(tables(rig), EMPTY)
})
