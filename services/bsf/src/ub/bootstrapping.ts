import { decodeNonce, digestPassword, digestResponse, encodeNonce, InvalidNonceError, sameDigest } from '@rollcall/aka'
import { type Impi, RollcallError, Secret, sourceNetwork } from '@rollcall/core'
import { btidOf, tmpiOf, writeBootstrappingInfo } from '@rollcall/gba'
import type { ChallengeRecord } from '@rollcall/proto-gen/bsf'
import { type HttpAnswer, type HttpRequest, RpcError } from '@rollcall/runtime'
import type { BsfContext } from '../context.ts'
import type { ChallengeReason } from '../events.ts'
import { bootstrappedAnswer, challengeAnswer, laterAnswer, refusedAnswer, TMPI_TOKEN } from './answers.ts'
import { type AnswerDigest, readAuthorization, type UbAuthorization, type UbUser } from './authorization.ts'

/** The one resource of Ub. */
const TARGET = '/'
/** A UE that is told to come later, because it asks too often, or because the store or the HSS is away. */
const RETRY_AFTER_SECONDS = 5
/** An ISIM is in step after one resynchronisation; the second is for one that two networks have used. */
const RESYNCHRONISATIONS_MAX = 2
const RAND_OCTETS = 16
/** By this a UE says that it wants GBA_Digest (TS 33.220 annex M), which may be disallowed (TS 24.109 annex I.2). */
const GBA_DIGEST_TOKEN = 'gba_digest'

/** A request, and who makes it. */
interface UbCall {
  readonly request: Pick<HttpRequest, 'method' | 'target' | 'headers' | 'body' | 'traceparent'>
  readonly source: string
  readonly impi: Impi
}

/**
 * One request of a UE on Ub, from its Authorization to the answer. It is answered 200 when the context is durable, and not
 * before. Vectors that wait for an answer lie sealed in the store for some seconds, so that any replica takes the answer to
 * another's challenge. `Choice:` there, and not sealed into the nonce or `opaque`: so no key ever goes over the air, in
 * whatever form, and one challenge bears one try.
 *
 * @see TS 24.109 clause 4.2, TS 33.220 clause 4.4.4, TS 33.220 clause 4.5.2
 */
export async function bootstrap(
  context: BsfContext,
  request: UbCall['request'] & { readonly remoteAddress: string | undefined },
): Promise<HttpAnswer> {
  if (request.target !== TARGET) return refusedAnswer(404)
  if (request.method !== 'GET') return { status: 405, headers: { Allow: 'GET' } }
  // guard: bsf-gba-digest — who asks for digest with a password is not bootstrapped by anything weaker than AKA
  if (hasToken(request.headers['user-agent'], GBA_DIGEST_TOKEN)) {
    context.events.ubRefused('gba-digest')
    return refusedAnswer(403)
  }
  const authorization = readAuthorization(request.headers.authorization, TARGET)
  if (authorization.kind === 'refused') {
    context.events.ubRefused(authorization.reason)
    return refusedAnswer(400)
  }
  const source = sourceNetwork(request.remoteAddress)
  if (!context.limits.takeRequest(source)) {
    context.events.ubRefused('source-rate')
    return laterAnswer(RETRY_AFTER_SECONDS)
  }
  if (!context.limits.begin()) {
    context.events.ubRefused('busy')
    return laterAnswer(RETRY_AFTER_SECONDS)
  }
  try {
    return await answerTo(context, { request, source }, authorization)
  } catch (error) {
    return unavailable(context, error)
  } finally {
    context.limits.end()
  }
}

async function answerTo(
  context: BsfContext,
  { request, source }: Pick<UbCall, 'request' | 'source'>,
  authorization: Exclude<UbAuthorization, { kind: 'refused' }>,
): Promise<HttpAnswer> {
  const impi = await impiOf(context, authorization.user)
  if (impi === undefined) {
    context.events.ubRefused('tmpi-unknown')
    return refusedAnswer(403)
  }
  const call = { request, source, impi }
  switch (authorization.kind) {
    case 'first':
      return await challenge(context, call, 'first')
    case 'resync':
      return await resynchronise(context, call, authorization)
    case 'answer':
      return await accept(context, call, authorization.digest)
  }
}

/** The IMPI behind a username; undefined for a TMPI that is none of ours, or has ended (TS 33.220 annex B.4). */
async function impiOf(context: BsfContext, user: UbUser): Promise<Impi | undefined> {
  if (user.kind === 'impi') return user.impi
  const found = await context.records().tmpis.get(user.tmpi)
  if (!found || Number(found.record.expiresAtMs) <= context.clock.now()) return undefined
  return found.record.impi as Impi
}

async function challenge(
  context: BsfContext,
  call: UbCall,
  why: ChallengeReason,
  resync?: { readonly auts: Buffer; readonly rand: Buffer; readonly count: number },
): Promise<HttpAnswer> {
  const { events, limits, bsfName, givesTmpi } = context
  const { impi, source } = call
  const refusal = limits.takeChallenge(impi, source)
  if (refusal !== undefined) {
    events.ubRefused(refusal, { impi, traceparent: call.request.traceparent })
    return refusal === 'wrong-answers' ? refusedAnswer(403) : laterAnswer(RETRY_AFTER_SECONDS)
  }
  const vector = await context.zh.multimediaAuth(impi, resync)
  if (vector === undefined) {
    events.ubRefused('identity-unknown', { impi, traceparent: call.request.traceparent })
    return refusedAnswer(403)
  }
  const { rand, autn, guss } = vector
  const record: ChallengeRecord = {
    impi,
    rand,
    xres: vector.xres.reveal(),
    ck: vector.ck.reveal(),
    ik: vector.ik.reveal(),
    realm: bsfName,
    guss: { lifetimeSeconds: guss.lifetimeSeconds, uss: [...guss.uss] },
    expiresAtMs: BigInt(context.clock.now() + context.challengeMs),
    resynchronisations: resync?.count ?? 0,
  }
  await context.records().challenges.create(rand.toString('hex'), record, context.challengeMs)
  events.challenged(why)
  return challengeAnswer({ realm: bsfName, nonce: encodeNonce(rand, autn), givesTmpi })
}

/**
 * AUTS proves itself by its MAC-S, which the HSS checks; the response adds nothing to it.
 *
 * @see TS 24.109 clause 4.5, RFC 3310 section 3.4
 */
async function resynchronise(
  context: BsfContext,
  call: UbCall,
  { nonce, auts }: { readonly nonce: string; readonly auts: Buffer },
): Promise<HttpAnswer> {
  const pending = await findPending(context, call, nonce)
  // guard: bsf-one-auts — a challenge is resynchronised once, so that the HSS is not asked twice for one refusal
  if (pending === undefined || !(await pending.take())) return await challenge(context, call, 'unknown-nonce')
  const { rand, resynchronisations } = pending.record
  const count = resynchronisations + 1
  // guard: bsf-resynchronisations — an ISIM that never gets in step does not keep the HSS writing
  if (count > RESYNCHRONISATIONS_MAX) {
    context.events.ubRefused('resynchronisations', { impi: call.impi, traceparent: call.request.traceparent })
    return refusedAnswer(403)
  }
  return await challenge(context, call, 'resynchronised', { auts, rand, count })
}

async function accept(context: BsfContext, call: UbCall, digest: AnswerDigest): Promise<HttpAnswer> {
  const pending = await findPending(context, call, digest.nonce)
  if (pending === undefined) return await challenge(context, call, 'unknown-nonce')
  const { record } = pending
  const password = digestPassword('AKAv1-MD5', keysOf(record))
  const expected = digestResponse({ ...digest, password, method: 'GET', body: call.request.body })
  // guard: bsf-response — who does not know RES gets no key (RFC 3310 section 3.3)
  const isRight = digest.realm === record.realm && sameDigest(expected, digest.response)
  if (!isRight) return await refuseWrong(context, call, pending)
  return await establish(context, call, { digest, record, password })
}

/** The next try is at another challenge, and there are not many of them (TS 24.109 clause 4.3). */
async function refuseWrong(context: BsfContext, call: UbCall, pending: Pending): Promise<HttpAnswer> {
  const { impi, source } = call
  context.events.ubRefused('wrong-answer', { impi, traceparent: call.request.traceparent })
  const isBorne = context.limits.countWrongAnswer(impi, source)
  // guard: bsf-one-try — a challenge that was answered wrongly is not answered again
  await pending.take()
  return isBorne ? await challenge(context, call, 'wrong-answer') : refusedAnswer(403)
}

/** Stores the context, and only then says so. */
async function establish(
  context: BsfContext,
  call: UbCall,
  proved: { readonly digest: AnswerDigest; readonly record: ChallengeRecord; readonly password: Secret },
): Promise<HttpAnswer> {
  const { bsfName, clock, events, givesTmpi } = context
  const { digest, record, password } = proved
  const { impi } = call
  const { rand, guss } = record
  const nowMs = clock.now()
  const lifetimeMs = guss?.lifetimeSeconds ? guss.lifetimeSeconds * 1000 : context.keyLifetimeMs
  const expiryMs = nowMs + lifetimeMs
  const btid = btidOf(rand, bsfName)
  const ks = Buffer.concat([record.ck, record.ik])
  const times = { bootstrapTimeMs: BigInt(nowMs), keyExpiryMs: BigInt(expiryMs) }
  // It stays as long as its challenge at least: what was answered once stays answered.
  const ttlMs = Math.max(lifetimeMs, context.challengeMs)
  const isNew = await context.records().contexts.create(btid, { btid, impi, ks, rand, guss, ...times }, ttlMs)
  // guard: bsf-home — who plays an answer again from elsewhere takes no home
  if (isNew) context.limits.noteHome(impi, call.source)
  // guard: bsf-one-use — a vector gives one key once, at whatever replica (RFC 3310 section 6)
  if (!isNew) {
    events.ubRefused('replayed', { impi, traceparent: call.request.traceparent })
    return await challenge(context, call, 'replayed')
  }
  if (givesTmpi && hasToken(call.request.headers['user-agent'], TMPI_TOKEN)) {
    const tmpi = tmpiOf({ ks: new Secret(ks), rand, impi, bsfName })
    await context.records().tmpis.create(tmpi, { impi, expiresAtMs: BigInt(expiryMs) }, lifetimeMs)
  }
  context.limits.countContext(impi)
  ks.fill(0)
  events.bootstrapped({ impi, lifetimeSeconds: lifetimeMs / 1000, traceparent: call.request.traceparent })
  const body = writeBootstrappingInfo({ btid, lifetimeMs: expiryMs, currentTimeMs: nowMs })
  // The A2 of an answer has no method (RFC 7616 section 3.5).
  const rspauth = digestResponse({ ...digest, password, method: '', body: Buffer.from(body) })
  return bootstrappedAnswer({ body, rspauth, cnonce: digest.cnonce, nc: digest.nc, expiryMs, givesTmpi })
}

/** A challenge that waits for its answer. */
interface Pending {
  readonly record: ChallengeRecord
  /** It waits no more; false when somebody else did so. */
  readonly take: () => Promise<boolean>
}

async function findPending(context: BsfContext, call: UbCall, nonce: string): Promise<Pending | undefined> {
  const rand = randIn(nonce)
  if (rand === undefined) return undefined
  const { challenges } = context.records()
  const found = await challenges.get(rand)
  if (!found) return undefined
  const { record, revision } = found
  // guard: bsf-own-challenge — an answer is of the user that was challenged
  if (record.impi !== call.impi) return undefined
  if (Number(record.expiresAtMs) <= context.clock.now()) return undefined
  return { record, take: () => challenges.take(rand, revision, context.challengeMs) }
}

function randIn(nonce: string): string | undefined {
  try {
    const { rand } = decodeNonce(nonce)
    return rand.length === RAND_OCTETS ? rand.toString('hex') : undefined
  } catch (error) {
    if (error instanceof InvalidNonceError) return undefined
    throw error
  }
}

function keysOf({ xres, ck, ik }: ChallengeRecord): { readonly res: Secret; readonly ck: Secret; readonly ik: Secret } {
  return { res: new Secret(xres), ck: new Secret(ck), ik: new Secret(ik) }
}

/** Whether a product of this name is among those of User-Agent (RFC 9110 section 10.1.5). */
function hasToken(userAgent: string | undefined, token: string): boolean {
  return (
    userAgent
      ?.toLowerCase()
      .split(/[\s/;(),]+/)
      .includes(token) ?? false
  )
}

function unavailable(context: BsfContext, error: unknown): HttpAnswer {
  if (!(error instanceof RollcallError)) throw error
  const isHss = error instanceof RpcError
  if (!isHss && !error.code.startsWith('STORE_')) throw error
  context.events.ubRefused(isHss ? 'hss-unavailable' : 'store-unavailable')
  return laterAnswer(RETRY_AFTER_SECONDS)
}
