/** What a client says at the beginning of a TLS connection, before it is encrypted, as far as a server of PSKs needs it. */
export type ClientMessage =
  | {
      readonly kind: 'client-hello'
      /** Of `server_name`, in lower case. */
      readonly serverName: string | undefined
      /** Of `pre_shared_key` (TLS 1.3), in their order. */
      readonly pskIdentities: readonly string[]
    }
  | { readonly kind: 'psk-key-exchange'; readonly pskIdentity: string }
  | { readonly kind: 'other' }

/** What cannot be read is left to TLS itself to refuse: no key is looked for. */
const OTHER: ClientMessage = { kind: 'other' }

const CLIENT_HELLO = 1
const CLIENT_KEY_EXCHANGE = 16
const SERVER_NAME = 0
const PRE_SHARED_KEY = 41
/** Version and random. */
const HELLO_START_OCTETS = 34
/** `Choice:` so many keys are looked for; a UE has one B-TID. */
export const PSK_IDENTITIES_MAX = 4

/**
 * Reads a handshake message of a client: `type`, and the body behind its length.
 *
 * @see RFC 8446 sections 4.1.2 and 4.2.11, RFC 6066 section 3, RFC 4279 section 2
 */
export function parseClientMessage(type: number, body: Buffer): ClientMessage {
  try {
    if (type === CLIENT_HELLO) return parseClientHello(new Reader(body))
    if (type === CLIENT_KEY_EXCHANGE) {
      return { kind: 'psk-key-exchange', pskIdentity: new Reader(body).vector(2).toString('utf8') }
    }
    return OTHER
  } catch (error) {
    if (error instanceof RangeError) return OTHER
    throw error
  }
}

function parseClientHello(hello: Reader): ClientMessage {
  hello.skip(HELLO_START_OCTETS)
  // session id, cipher suites, compression methods
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  let serverName: string | undefined
  let pskIdentities: string[] = []
  const extensions = new Reader(hello.isEmpty ? Buffer.alloc(0) : hello.vector(2))
  while (!extensions.isEmpty) {
    const type = extensions.number(2)
    const data = new Reader(extensions.vector(2))
    if (type === SERVER_NAME) serverName = readServerName(new Reader(data.vector(2)))
    if (type === PRE_SHARED_KEY) pskIdentities = readPskIdentities(new Reader(data.vector(2)))
  }
  return { kind: 'client-hello', serverName, pskIdentities }
}

function readServerName(list: Reader): string | undefined {
  while (!list.isEmpty) {
    const type = list.number(1)
    const name = list.vector(2).toString('latin1')
    if (type === 0) return name.toLowerCase()
  }
  return undefined
}

function readPskIdentities(list: Reader): string[] {
  const identities: string[] = []
  while (!list.isEmpty && identities.length < PSK_IDENTITIES_MAX) {
    identities.push(list.vector(2).toString('utf8'))
    // obfuscated_ticket_age
    list.skip(4)
  }
  return identities
}

/** Reads what TLS is made of: numbers, and vectors that begin with their length. Throws RangeError at the end. */
class Reader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  get isEmpty(): boolean {
    return this.#at === this.#octets.length
  }

  number(octets: number): number {
    const value = this.#octets.readUIntBE(this.#at, octets)
    this.#at += octets
    return value
  }

  skip(octets: number): void {
    if (this.#at + octets > this.#octets.length) throw new RangeError('TLS message ends early')
    this.#at += octets
  }

  vector(lengthOctets: number): Buffer {
    const length = this.number(lengthOctets)
    const start = this.#at
    this.skip(length)
    return this.#octets.subarray(start, start + length)
  }
}
