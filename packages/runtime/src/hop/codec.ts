/**
 * The wire form of a batch (`rollcall.hop.v1`), written by hand: the generated code costs several microseconds a message,
 * most of what the hop may cost. A test holds it against the generated code octet for octet.
 */
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { HopMalformedError } from '../errors.ts'
import { createEnvelope } from './envelope.ts'

/** What goes into a batch. */
export interface OutboundMessage {
  readonly sip: Buffer
  readonly envelope: Envelope | undefined
  /** Takes the place of the envelope's own when given. */
  readonly deadlineMs?: number
}

/** What comes out of one. */
export interface InboundMessage {
  readonly sip: Buffer
  readonly envelope: Envelope | undefined
}

/** `ExchangeRequest.messages` and `ExchangeResponse.messages`: field 1, length-delimited. */
const TAG_MESSAGES = 0x0a
const TAG_SIP = 0x0a
const TAG_ENVELOPE = 0x12
const TAG_TRACEPARENT = 0x0a
const TAG_TRACESTATE = 0x12
const TAG_ACCESS_SECURITY = 0x18
const TAG_IMPI = 0x22
const TAG_ASSERTED_IDENTITIES = 0x2a
const TAG_ASSERTION = 0x32
const TAG_RECEIVED_AT_MS = 0x38
const TAG_FORWARDED = 0x40
const TAG_DEADLINE_MS = 0x48
const TAG_MISDIRECTED = 0x50
const TAG_FORWARDED_ROLE = 0x5a

const KNOWN_ACCESS_SECURITY: ReadonlySet<number> = new Set(Object.values(AccessSecurity).filter((value) => value >= 0))

/** Tag and length around a message, its SIP octets and its envelope: at most 1 + 5 octets each. */
const FRAMING_OCTETS_MAX = 18

const NO_OCTETS = Buffer.alloc(0)

/** Where envelopes are written before their length is known. It grows to the longest one seen. */
let scratch = Buffer.allocUnsafeSlow(1024)

/** No fewer octets than the message takes in a batch. */
export function messageOctetsMax({ sip, envelope }: OutboundMessage): number {
  return sip.length + FRAMING_OCTETS_MAX + (envelope ? envelopeOctetsMax(envelope) : 0)
}

/** Writes a batch. */
export function encodeBatch(messages: readonly OutboundMessage[]): Buffer {
  let size = 0
  for (const message of messages) size += messageOctetsMax(message)
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (const { sip, envelope, deadlineMs } of messages) {
    const envelopeLength = envelope ? writeEnvelope(envelope, deadlineMs ?? envelope.deadlineMs) : 0
    const sipPart = sip.length === 0 ? 0 : 1 + varintLength(sip.length) + sip.length
    const envelopePart = envelope ? 1 + varintLength(envelopeLength) + envelopeLength : 0
    out[at++] = TAG_MESSAGES
    at = writeVarint(out, at, sipPart + envelopePart)
    if (sip.length > 0) {
      out[at++] = TAG_SIP
      at = writeVarint(out, at, sip.length)
      at += sip.copy(out, at)
    }
    if (envelope) {
      out[at++] = TAG_ENVELOPE
      at = writeVarint(out, at, envelopeLength)
      at += scratch.copy(out, at, 0, envelopeLength)
    }
  }
  return out.subarray(0, at)
}

/**
 * Reads a batch. Octets in it are views, not copies: who keeps some for long copies them, or keeps the whole batch.
 *
 * @throws HopMalformedError
 */
export function decodeBatch(octets: Buffer): InboundMessage[] {
  const reader = new Reader(octets, 0, octets.length)
  const messages: InboundMessage[] = []
  while (reader.more) {
    const tag = reader.varint()
    if (tag === TAG_MESSAGES) messages.push(readMessage(reader.message()))
    else reader.skip(tag)
  }
  return messages
}

function readMessage(reader: Reader): InboundMessage {
  let sip: Buffer | undefined
  let envelope: Envelope | undefined
  while (reader.more) {
    const tag = reader.varint()
    if (tag === TAG_SIP) sip = reader.view()
    else if (tag === TAG_ENVELOPE) envelope = readEnvelope(reader.message())
    else reader.skip(tag)
  }
  return { sip: sip ?? NO_OCTETS, envelope }
}

function readEnvelope(reader: Reader): Envelope {
  const envelope = createEnvelope()
  while (reader.more) {
    const tag = reader.varint()
    switch (tag) {
      case TAG_TRACEPARENT:
        envelope.traceparent = reader.text()
        break
      case TAG_TRACESTATE:
        envelope.tracestate = reader.text()
        break
      case TAG_ACCESS_SECURITY:
        envelope.accessSecurity = accessSecurityOf(reader.varint())
        break
      case TAG_IMPI:
        envelope.impi = reader.text()
        break
      case TAG_ASSERTED_IDENTITIES:
        envelope.assertedIdentities.push(reader.text())
        break
      case TAG_ASSERTION:
        envelope.assertion = reader.view()
        break
      case TAG_RECEIVED_AT_MS:
        envelope.receivedAtMs = BigInt(reader.varint())
        break
      case TAG_FORWARDED:
        envelope.forwarded = reader.varint() !== 0
        break
      case TAG_DEADLINE_MS:
        envelope.deadlineMs = reader.varint()
        break
      case TAG_MISDIRECTED:
        envelope.misdirected = reader.varint() !== 0
        break
      case TAG_FORWARDED_ROLE:
        envelope.forwardedRole = reader.text()
        break
      default:
        reader.skip(tag)
    }
  }
  return envelope
}

/** A kind of protection that this version does not know vouches for nothing. */
function accessSecurityOf(value: number): AccessSecurity {
  return KNOWN_ACCESS_SECURITY.has(value) ? (value as AccessSecurity) : AccessSecurity.ACCESS_SECURITY_UNSPECIFIED
}

/** No fewer octets than `envelope` takes: three for each UTF-16 unit, and ten for tag and length of each field. */
function envelopeOctetsMax(envelope: Envelope): number {
  const { traceparent, tracestate, impi, forwardedRole } = envelope
  let units = traceparent.length + tracestate.length + impi.length + forwardedRole.length
  for (const identity of envelope.assertedIdentities) units += identity.length
  return units * 3 + envelope.assertion.length + 10 * (10 + envelope.assertedIdentities.length)
}

/** Writes into `scratch` and gives the length. Fields at their default are left out, as protobuf has it. */
function writeEnvelope(envelope: Envelope, deadlineMs: number): number {
  const most = envelopeOctetsMax(envelope)
  if (scratch.length < most) scratch = Buffer.allocUnsafeSlow(most * 2)
  let at = writeText(TAG_TRACEPARENT, envelope.traceparent, 0)
  at = writeText(TAG_TRACESTATE, envelope.tracestate, at)
  at = writeNumber(TAG_ACCESS_SECURITY, envelope.accessSecurity, at)
  at = writeText(TAG_IMPI, envelope.impi, at)
  for (const identity of envelope.assertedIdentities) at = writeIdentity(identity, at)
  if (envelope.assertion.length > 0) {
    scratch[at++] = TAG_ASSERTION
    at = writeVarint(scratch, at, envelope.assertion.length)
    at += envelope.assertion.copy(scratch, at)
  }
  at = writeNumber(TAG_RECEIVED_AT_MS, Number(envelope.receivedAtMs), at)
  at = writeNumber(TAG_FORWARDED, envelope.forwarded ? 1 : 0, at)
  at = writeNumber(TAG_DEADLINE_MS, deadlineMs, at)
  at = writeNumber(TAG_MISDIRECTED, envelope.misdirected ? 1 : 0, at)
  return writeText(TAG_FORWARDED_ROLE, envelope.forwardedRole, at)
}

function writeText(tag: number, text: string, at: number): number {
  return text === '' ? at : writeDelimited(tag, text, at)
}

/** In a repeated field an empty text is there, too. */
function writeIdentity(text: string, at: number): number {
  return writeDelimited(TAG_ASSERTED_IDENTITIES, text, at)
}

function writeDelimited(tag: number, text: string, at: number): number {
  scratch[at] = tag
  const start = writeVarint(scratch, at + 1, Buffer.byteLength(text))
  return start + scratch.write(text, start, 'utf8')
}

function writeNumber(tag: number, value: number, at: number): number {
  // An enum's UNRECOGNIZED is below 0: what we did not understand, we do not pass on.
  if (!(value > 0)) return at
  scratch[at] = tag
  return writeVarint(scratch, at + 1, value)
}

/** A whole number below 2^53. */
function writeVarint(out: Buffer, at: number, value: number): number {
  let rest = value
  let index = at
  // 32 bits by shifts; above that by division, which is exact up to 2^53.
  while (rest > 0x7fff_ffff) {
    out[index++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  while (rest > 0x7f) {
    out[index++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  out[index++] = rest
  return index
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 0x7f; rest >>>= 7) length += 1
  return length
}

/** Reads protobuf from a part of a buffer. */
class Reader {
  readonly #octets: Buffer
  readonly #end: number
  #at: number

  constructor(octets: Buffer, start: number, end: number) {
    this.#octets = octets
    this.#at = start
    this.#end = end
  }

  get more(): boolean {
    return this.#at < this.#end
  }

  /** @throws HopMalformedError when it is cut off, or 2^53 and more. */
  varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw new HopMalformedError('cut off in a number')
      const octet = this.#octets[this.#at++] ?? 0
      value += (octet & 0x7f) * scale
      if (octet < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new HopMalformedError('a number is too large')
        return value
      }
      scale *= 0x80
    }
    throw new HopMalformedError('a number has no end')
  }

  /** A reader over the length-delimited field that comes next. */
  message(): Reader {
    const end = this.#delimitedEnd()
    const start = this.#at
    this.#at = end
    return new Reader(this.#octets, start, end)
  }

  view(): Buffer {
    const end = this.#delimitedEnd()
    const bytes = this.#octets.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  text(): string {
    const end = this.#delimitedEnd()
    const text = this.#octets.toString('utf8', this.#at, end)
    this.#at = end
    return text
  }

  /** Passes over a field that this version does not know. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint()
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#at = this.#delimitedEnd()
        return
      case 5:
        this.#advance(4)
        return
      default:
        throw new HopMalformedError('unknown wire type')
    }
  }

  #delimitedEnd(): number {
    const length = this.varint()
    if (length > this.#end - this.#at) throw new HopMalformedError('a field is longer than its message')
    return this.#at + length
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw new HopMalformedError('cut off in a field')
    this.#at += count
  }
}
