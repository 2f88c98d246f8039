/** What octets of a stream are cut into: whole messages, and the CRLFs between them. */
export type Frame = { readonly kind: 'message'; readonly bytes: Buffer } | { readonly kind: 'crlf' }

/** Why the octets of a stream can be cut no further: behind it nobody knows where the next message begins. */
export type FramingFault = 'not-sip' | 'head-too-large' | 'body-too-large' | 'no-content-length' | 'bad-content-length'

export interface FramerLimits {
  /** Octets of a message up to and with its empty line. */
  readonly headBytesMax: number
  readonly bodyBytesMax: number
}

/** What one chunk brought. After a fault the framer takes nothing more. */
export interface Framed {
  readonly frames: readonly Frame[]
  readonly fault?: FramingFault
  /** The head of the message that cannot be framed, where it ended: its sender can be told. */
  readonly head?: Buffer
}

const CR = 0x0d
const LF = 0x0a
const HEAD_END = Buffer.from('\r\n\r\n')
const CRLF: Frame = { kind: 'crlf' }
const NO_OCTETS = Buffer.alloc(0)

/** The name of Content-Length at the start of a header line, also in its compact form. */
const CONTENT_LENGTH_NAME = /\r\n(?:content-length|l)[ \t]*:/gi
/** As many digits as the parser reads. */
const CONTENT_LENGTH = /^[0-9]{1,10}$/

/**
 * Cuts a stream into SIP messages by their Content-Length, which streams must have, whatever chunks it comes in. CRLFs
 * between messages are given as such: they are keep-alives, or nothing (RFC 5626 section 4.4.1, RFC 3261 section 7.5).
 *
 * Lines end in CRLF alone, names and values are read as `parseMessage` of `@rollcall/sip` reads them: were they read in
 * two ways, one message could be taken for two. Time is linear in the octets; what is held is bounded by the limits.
 *
 * @see RFC 3261 section 18.3
 */
export class StreamFramer {
  readonly #limits: FramerLimits
  /** Octets of an unfinished message, in a buffer that grows by doubling. */
  #buffer: Buffer = NO_OCTETS
  #length = 0
  /** Octets of the unfinished message in which its head does not end. */
  #scanned = 0
  /** Length of the unfinished message; 0 as long as its head is not whole. */
  #messageBytes = 0
  #fault: Framed | undefined

  constructor(limits: FramerLimits) {
    this.#limits = limits
  }

  /** Whether a message has begun that is not whole. */
  get isUnfinished(): boolean {
    return this.#length > 0
  }

  /** Takes the next octets. Messages are views of `chunk` or of a buffer of their own: copy what is kept for long. */
  push(chunk: Buffer): Framed {
    if (this.#fault) return this.#fault
    const octets = this.#length > 0 ? this.#append(chunk) : chunk
    const frames: Frame[] = []
    let at = 0
    while (at < octets.length) {
      const { next, frame, fault } = this.#cut(octets, at)
      if (fault) {
        this.#buffer = NO_OCTETS
        this.#length = 0
        this.#fault = { ...fault, frames: [] }
        return { ...fault, frames }
      }
      if (!frame) break
      frames.push(frame)
      at = next
    }
    this.#keep(octets, at)
    return { frames }
  }

  #cut(octets: Buffer, at: number): { next: number; frame?: Frame; fault?: Omit<Framed, 'frames'> } {
    if (this.#messageBytes === 0) {
      if (this.#scanned === 0) {
        const first = octets[at] ?? 0
        if (first === CR) {
          if (at + 1 === octets.length) return { next: at }
          return octets[at + 1] === LF ? { next: at + 2, frame: CRLF } : { next: at, fault: { fault: 'not-sip' } }
        }
        // A method or a version begins with a visible character; a TLS record does not.
        if (first <= 0x20 || first >= 0x7f) return { next: at, fault: { fault: 'not-sip' } }
      }
      const fault = this.#readHead(octets, at)
      if (fault) return { next: at, fault }
    }
    const next = at + this.#messageBytes
    if (this.#messageBytes === 0 || next > octets.length) return { next: at }
    this.#messageBytes = 0
    this.#scanned = 0
    return { next, frame: { kind: 'message', bytes: octets.subarray(at, next) } }
  }

  /** Looks for the end of the head, from where the last look ended. */
  #readHead(octets: Buffer, at: number): Omit<Framed, 'frames'> | undefined {
    const { headBytesMax, bodyBytesMax } = this.#limits
    const end = octets.subarray(0, at + headBytesMax).indexOf(HEAD_END, at + Math.max(0, this.#scanned - 3))
    if (end < 0) {
      this.#scanned = octets.length - at
      // guard: stream-head-octets — who never ends a head must not fill our memory
      return this.#scanned >= headBytesMax ? { fault: 'head-too-large' } : undefined
    }
    const head = octets.subarray(at, end + HEAD_END.length)
    const length = contentLengthIn(head)
    if (typeof length === 'string') return { fault: length, head }
    // guard: stream-body-octets — a body is not waited for that nobody would take
    if (length > bodyBytesMax) return { fault: 'body-too-large', head }
    this.#messageBytes = head.length + length
    return undefined
  }

  #append(chunk: Buffer): Buffer {
    const length = this.#length + chunk.length
    if (length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length))
      this.#buffer.copy(grown, 0, 0, this.#length)
      this.#buffer = grown
    }
    chunk.copy(this.#buffer, this.#length)
    this.#length = length
    return this.#buffer.subarray(0, length)
  }

  /** Keeps what is not cut yet. A buffer that messages are views of is not written to again. */
  #keep(octets: Buffer, from: number): void {
    if (from === octets.length) {
      this.#buffer = NO_OCTETS
      this.#length = 0
    } else if (from > 0 || this.#length === 0) {
      this.#buffer = Buffer.from(octets.subarray(from))
      this.#length = this.#buffer.length
    }
  }
}

/** Content-Length of a whole head. */
function contentLengthIn(octets: Buffer): number | 'no-content-length' | 'bad-content-length' {
  const head = octets.toString('latin1')
  let length: number | undefined
  for (const { index, 0: name } of head.matchAll(CONTENT_LENGTH_NAME)) {
    const value = valueAt(head, index + name.length)
    if (!CONTENT_LENGTH.test(value)) return 'bad-content-length'
    // guard: stream-content-length — two lengths would let one message be read as two
    if (length !== undefined && length !== Number(value)) return 'bad-content-length'
    length = Number(value)
  }
  return length ?? 'no-content-length'
}

/** The value that begins at `from`, its folds undone (RFC 3261 section 7.3.1). */
function valueAt(head: string, from: number): string {
  let end = head.indexOf('\r\n', from)
  while (head[end + 2] === ' ' || head[end + 2] === '\t') end = head.indexOf('\r\n', end + 2)
  return head.slice(from, end).replace(/\r\n/g, ' ').trim()
}
