import { decodeAuts, digestPassword, digestResponse, encodeNonce, parseAkaAlgorithm, sameDigest } from '@rollcall/aka'
import { assert, assertNever, RollcallError } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { sameSipUri } from '@rollcall/sip'
import type { RefusalReason } from '../refusal.ts'
import type {
  Attempt,
  AttemptEffect,
  AttemptInput,
  AttemptRules,
  AttemptStep,
  BoundInstance,
  Challenge,
  CxOutcome,
  RegisterAnswer,
  StoreOutcome,
} from './attempt.ts'
import { isDeregistration, type ReceivedDigest, type RegisterRequest } from './register-request.ts'

/**
 * The life of an attempt to register: what `input` makes of it. Pure; the effects are for the caller to carry out.
 *
 * Without protection, or without a challenge that is pending, a REGISTER is always challenged: each re-registration runs
 * AKA again and so gets new security associations. De-registration is the exception: on an established registration the
 * security association that it came over is proof enough (TS 24.229 clause 5.4.1.4), and a challenge would make new ones
 * for a user who leaves. A wrong answer ends the attempt and leaves the registration as it was.
 *
 * @see TS 24.229 clauses 5.4.1.2.1 to 5.4.1.2.3A, TS 33.203 clause 6.1
 */
export function step(attempt: Attempt | undefined, input: AttemptInput, key: string, rules: AttemptRules): AttemptStep {
  if (input.kind === 'register') return onRegister(attempt, input.request, input.bound, key, rules)
  // What comes back to an attempt that has ended meanwhile has nobody left to tell.
  if (!attempt) return { attempt: undefined, effects: [] }
  switch (input.kind) {
    case 'authorized':
      return onAuthorized(attempt, input.outcome, input.bound)
    case 'fetched':
      return onFetched(attempt, input.outcome, rules)
    case 'assigned':
      return onAssigned(attempt, input.outcome)
    case 'stored':
      return onStored(attempt, input.outcome)
    case 'timed-out':
      return onTimedOut(attempt)
    default:
      return assertNever(input)
  }
}

function onRegister(
  attempt: Attempt | undefined,
  request: RegisterRequest,
  bound: BoundInstance | undefined,
  key: string,
  rules: AttemptRules,
): AttemptStep {
  // guard: contact-unbound — who has a security association binds no contact elsewhere by it
  if (!attempt && isUnboundContact(request, bound)) {
    return { attempt: undefined, effects: [refusal(request, 'contact-unbound')] }
  }
  if (!attempt) return begin(request, key, 0)
  const { phase } = attempt
  // The other one is answered within the bounds of Cx and the store; who sends two at once waits that long.
  if (phase.kind !== 'challenged') return { attempt, effects: [refusal(request, 'attempt-busy')] }
  // guard: register-cseq — an older REGISTER changes nothing
  if (request.cseq <= phase.cseq) return { attempt, effects: [refusal(request, 'out-of-order')] }
  const { authorization } = request
  // The UE begins anew: the attempt is replaced, nobody has answered for it yet.
  if (authorization.kind === 'none') return begin(request, key, 0)
  // Whether the IMPI may register another IMPU is for UAR to say.
  // guard: attempt-impu — who was challenged for one identity does not answer for another
  if (request.impu !== attempt.impu) return beginAgain(attempt, request, rules)
  // guard: nonce — an answer is to the challenge of its own attempt
  if (authorization.nonce !== phase.challenge.nonce) return repeat(attempt, request, undefined, rules)
  switch (authorization.kind) {
    case 'resynchronise': {
      const auts = readAuts(authorization.auts)
      if (!auts) return { attempt, effects: [refusal(request, 'auts-malformed')] }
      // By its RAND alone: a nonce that we did not issue never gets here (TS 33.102 clause 6.3.5).
      return repeat(attempt, request, Buffer.concat([phase.challenge.vector.rand, auts]), rules)
    }
    case 'no-response':
      return fail(attempt, request, 'mac-failure')
    case 'response':
      // RES in the clear proves nothing about who goes on from here: IK must have protected it.
      // guard: res-protected — RES in the clear proves nothing about who goes on
      if (!request.isProtected) return repeat(attempt, request, undefined, rules)
      return verify(attempt, phase.challenge, request, authorization.digest, bound, rules)
    default:
      return assertNever(authorization)
  }
}

/** UAR comes first, for a new attempt and for one that is begun anew. */
function begin(request: RegisterRequest, key: string, repeats: number): AttemptStep {
  const { impi, impu, callId, isProtected } = request
  return {
    attempt: { key, impi, impu, callId, isProtected, repeats, phase: { kind: 'authorizing', request } },
    effects: [{ kind: 'authorize', request }],
  }
}

function beginAgain(attempt: Attempt, request: RegisterRequest, rules: AttemptRules): AttemptStep {
  if (attempt.repeats >= rules.repeatsMax) return fail(attempt, request, 'challenge-limit')
  return begin(request, attempt.key, attempt.repeats + 1)
}

/** Another challenge in the same attempt, at most so often: after a stale nonce, or after AUTS. */
function repeat(
  attempt: Attempt,
  request: RegisterRequest,
  resync: Buffer | undefined,
  rules: AttemptRules,
): AttemptStep {
  // guard: challenge-limit — an attempt gets no vectors without end
  if (attempt.repeats >= rules.repeatsMax) return fail(attempt, request, 'challenge-limit')
  return {
    attempt: { ...attempt, repeats: attempt.repeats + 1, phase: { kind: 'fetching', request } },
    effects: [{ kind: 'fetch', request, resync }],
  }
}

function verify(
  attempt: Attempt,
  challenge: Challenge,
  request: RegisterRequest,
  digest: ReceivedDigest,
  bound: BoundInstance | undefined,
  rules: AttemptRules,
): AttemptStep {
  // guard: res — who does not know RES is not the user (RFC 3310 section 3.3)
  if (!isRightResponse(challenge, digest, rules.realm)) return fail(attempt, request, 'wrong-res')
  const verified: AttemptEffect = { kind: 'verified', request }
  if (isDeregistration(request)) {
    return {
      attempt: { ...attempt, phase: { kind: 'storing', request } },
      effects: [verified, { kind: 'unbind', request }],
    }
  }
  // guard: other-instance — one IMPI is on one UE at a time
  if (isOnOtherInstance(request, bound)) {
    return { attempt: undefined, effects: [verified, refusal(request, 'other-instance')] }
  }
  return {
    attempt: { ...attempt, phase: { kind: 'assigning', request } },
    effects: [verified, { kind: 'assign', request }],
  }
}

function onAuthorized(attempt: Attempt, outcome: CxOutcome<object>, bound: BoundInstance | undefined): AttemptStep {
  const { phase } = attempt
  assert(phase.kind === 'authorizing', 'UAA belongs to UAR')
  const { request } = phase
  const isOwnEnd = request.isProtected && isDeregistration(request) && bound !== undefined
  // The HSS may have lost what we still hold: the user who leaves shall not be kept for that.
  const isLostAtHss = outcome.kind === 'refused' && outcome.reason === 'identity-not-registered'
  if (isOwnEnd && (outcome.kind === 'success' || isLostAtHss)) {
    return { attempt: { ...attempt, phase: { kind: 'storing', request } }, effects: [{ kind: 'unbind', request }] }
  }
  if (outcome.kind !== 'success') return end(request, reasonOf(outcome))
  return {
    attempt: { ...attempt, phase: { kind: 'fetching', request } },
    effects: [{ kind: 'fetch', request, resync: undefined }],
  }
}

function onFetched(
  attempt: Attempt,
  outcome: CxOutcome<{ readonly vector: Challenge['vector'] }>,
  { algorithm }: AttemptRules,
): AttemptStep {
  const { phase } = attempt
  assert(phase.kind === 'fetching', 'MAA belongs to MAR')
  const { request } = phase
  if (outcome.kind !== 'success') return end(request, reasonOf(outcome))
  const { vector } = outcome
  const challenge: Challenge = { nonce: encodeNonce(vector.rand, vector.autn), algorithm, vector }
  return {
    attempt: { ...attempt, phase: { kind: 'challenged', challenge, cseq: request.cseq } },
    effects: [{ kind: 'answer', request, answer: { kind: 'challenge', challenge } }],
  }
}

function onAssigned(attempt: Attempt, outcome: CxOutcome<{ readonly profile: ServiceProfile }>): AttemptStep {
  const { phase } = attempt
  assert(phase.kind === 'assigning', 'SAA belongs to SAR')
  const { request } = phase
  if (outcome.kind !== 'success') return end(request, reasonOf(outcome))
  const { profile } = outcome
  if (profile.publicIdentities.every(({ barringIndication }) => barringIndication)) return end(request, 'barred')
  return {
    attempt: { ...attempt, phase: { kind: 'storing', request } },
    effects: [{ kind: 'bind', request, profile }],
  }
}

function onStored(attempt: Attempt, outcome: StoreOutcome): AttemptStep {
  const { phase } = attempt
  assert(phase.kind === 'storing', 'only what is being stored is stored')
  return { attempt: undefined, effects: [{ kind: 'answer', request: phase.request, answer: outcome }] }
}

function onTimedOut(attempt: Attempt): AttemptStep {
  // The clock runs from the 401; an answer that is being worked on came in time.
  if (attempt.phase.kind !== 'challenged') return { attempt, effects: [] }
  const { impi, impu } = attempt
  return { attempt: undefined, effects: [{ kind: 'report', type: 'timeout', impi, impu }] }
}

/** The authentication failed: the attempt ends, the HSS hears of it, the registration stays as it was. */
function fail(attempt: Attempt, request: RegisterRequest, reason: RefusalReason): AttemptStep {
  const { impi, impu } = attempt
  return { attempt: undefined, effects: [refusal(request, reason), { kind: 'report', type: 'failure', impi, impu }] }
}

function end(request: RegisterRequest, reason: RefusalReason): AttemptStep {
  return { attempt: undefined, effects: [refusal(request, reason)] }
}

function refusal(request: RegisterRequest, reason: RefusalReason): AttemptEffect {
  const answer: RegisterAnswer = { kind: 'refused', reason }
  return { kind: 'answer', request, answer }
}

function reasonOf(outcome: Exclude<CxOutcome<object>, { readonly kind: 'success' }>): RefusalReason {
  return outcome.kind === 'refused' ? outcome.reason : 'hss-unavailable'
}

/**
 * Choice: one IMPI on two UEs at once is refused (readings, The story's world). It is found out after authentication
 * alone, so that nobody else learns of it; the same instance takes its own place at any time.
 */
export function isOnOtherInstance(request: RegisterRequest, bound: BoundInstance | undefined): boolean {
  return bound !== undefined && request.contact.kind === 'some' && bound.instance !== request.contact.instance
}

/**
 * Over the security associations of a contact that is bound its UE registers that contact and no other: the protected
 * server port stays the same until all is de-registered. Another one is registered from the beginning, unprotected, or as
 * a flow of its own.
 *
 * @see TS 24.229 clause 5.4.1.2.2
 */
function isUnboundContact(request: RegisterRequest, bound: BoundInstance | undefined): boolean {
  const { contact, isProtected } = request
  if (!isProtected || !bound || contact.kind !== 'some' || contact.hasRegId || isDeregistration(request)) return false
  // Who has another instance is told so after authentication alone.
  if (contact.instance !== bound.instance) return false
  return !contact.bindings.some(({ uri }) => bound.uris.some((other) => sameSipUri(other, uri)))
}

/** Whether the response was computed with RES, over what the request says (RFC 3310 section 3.3, RFC 4169 section 3). */
function isRightResponse(challenge: Challenge, digest: ReceivedDigest, realm: string): boolean {
  const { qop } = digest
  const { xres, ik, ck } = challenge.vector
  if (digest.realm !== realm) return false
  // guard: digest-algorithm — who was asked for AKAv2 does not answer with the weaker AKAv1
  if (!answersBy(challenge.algorithm, digest.algorithm)) return false
  if (qop !== undefined && qop !== 'auth' && qop !== 'auth-int') return false
  if (qop !== undefined && (digest.nc === undefined || digest.cnonce === undefined)) return false
  const expected = digestResponse({
    username: digest.username,
    realm: digest.realm,
    password: digestPassword(challenge.algorithm, { res: xres, ik, ck }),
    method: 'REGISTER',
    uri: digest.uri,
    nonce: challenge.nonce,
    qop,
    nc: digest.nc,
    cnonce: digest.cnonce,
    body: digest.body,
  })
  return sameDigest(expected, digest.response.toLowerCase())
}

/** A response that names no algorithm is one to what the challenge named. */
function answersBy(challenged: Challenge['algorithm'], named: string | undefined): boolean {
  return named === undefined || parseAkaAlgorithm(named) === challenged
}

function readAuts(text: string): Buffer | undefined {
  try {
    return decodeAuts(text)
  } catch (error) {
    if (error instanceof RollcallError) return undefined
    throw error
  }
}
