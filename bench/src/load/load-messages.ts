import { DOMAIN } from '../addresses.ts'
import { Template, type WriteField } from './template.ts'

/** What the peer was measured with: octets of a PIDF document. */
export const PIDF_OCTETS = 473
/** A branch is the slot of an outstanding request and its serial number in these digits. */
export const BRANCH_DIGITS = 14
export const SERIAL_DIGITS = 10
/** Expires of everything: no publication and no subscription runs out during a measurement. */
const EXPIRES_SECONDS = 3_600

/** What a request differs by. */
export interface RequestNumbers {
  readonly branch: number
  readonly serial: number
  /** Port of the generator's socket that it leaves from, and that its NOTIFYs come to. */
  readonly port: number
}

interface RequestWriters {
  readonly presentity: WriteField
  readonly branch: WriteField
  readonly serial: WriteField
  readonly port: WriteField
}

/**
 * PUBLISH (RFC 3903): an initial one without entity-tag, else one that modifies. `run` tells this generator's messages
 * from another's that the same server has seen.
 */
export class PublishMessages {
  readonly #head: Template
  readonly #tail: Template
  readonly #write: RequestWriters
  readonly #writeTail: { readonly presentity: WriteField; readonly serial: WriteField }

  constructor(address: string, run: string) {
    const impu = `sip:u{presentity:8}@${DOMAIN}`
    this.#head = new Template(
      [
        `PUBLISH ${impu} SIP/2.0`,
        `Via: SIP/2.0/UDP ${address}:{port:5};branch=z9hG4bK{branch:${BRANCH_DIGITS}}r${run};rport`,
        'Max-Forwards: 70',
        `From: <${impu}>;tag=p{serial:${SERIAL_DIGITS}}`,
        `To: <${impu}>`,
        `Call-ID: p{serial:${SERIAL_DIGITS}}-${run}@${address}`,
        'CSeq: 1 PUBLISH',
        'Event: presence',
        `Expires: ${EXPIRES_SECONDS}`,
        'Content-Type: application/pidf+xml',
        `Content-Length: ${PIDF_OCTETS}`,
        '',
      ].join('\r\n'),
    )
    this.#tail = new Template(`\r\n${pidf(impu)}`)
    this.#write = requestWriters(this.#head)
    this.#writeTail = { presentity: this.#tail.writer('presentity'), serial: this.#tail.writer('serial') }
  }

  /** Writes it and gives its length. `entityTag` is the header field line that says which publication is meant. */
  write(into: Buffer, presentity: number, numbers: RequestNumbers, entityTag: Buffer | undefined): number {
    let end = this.#head.copy(into, 0)
    this.#write.presentity(into, 0, presentity)
    this.#write.branch(into, 0, numbers.branch)
    this.#write.serial(into, 0, numbers.serial)
    this.#write.port(into, 0, numbers.port)
    if (entityTag) end += entityTag.copy(into, end)
    const body = end
    end = this.#tail.copy(into, body)
    this.#writeTail.presentity(into, body, presentity)
    this.#writeTail.serial(into, body, numbers.serial)
    return end
  }
}

/** SUBSCRIBE (RFC 6665, RFC 3856) outside of a dialog. Its Call-ID is `w` and the serial, which NOTIFYs are told by. */
export class SubscribeMessages {
  readonly #template: Template
  readonly #write: RequestWriters

  constructor(address: string, run: string) {
    const watcher = `sip:w{serial:${SERIAL_DIGITS}}@`
    const presentity = `sip:u{presentity:8}@${DOMAIN}`
    this.#template = new Template(
      [
        `SUBSCRIBE ${presentity} SIP/2.0`,
        `Via: SIP/2.0/UDP ${address}:{port:5};branch=z9hG4bK{branch:${BRANCH_DIGITS}}r${run};rport`,
        'Max-Forwards: 70',
        `From: <${watcher}${DOMAIN}>;tag=s{serial:${SERIAL_DIGITS}}`,
        `To: <${presentity}>`,
        `Call-ID: w{serial:${SERIAL_DIGITS}}-${run}@${address}`,
        'CSeq: 1 SUBSCRIBE',
        `Contact: <${watcher}${address}:{port:5}>`,
        'Event: presence',
        'Accept: application/pidf+xml',
        `Expires: ${EXPIRES_SECONDS}`,
        'Content-Length: 0',
        '\r\n',
      ].join('\r\n'),
    )
    this.#write = requestWriters(this.#template)
  }

  /** Writes it and gives its length. */
  write(into: Buffer, presentity: number, numbers: RequestNumbers): number {
    const end = this.#template.copy(into, 0)
    this.#write.presentity(into, 0, presentity)
    this.#write.branch(into, 0, numbers.branch)
    this.#write.serial(into, 0, numbers.serial)
    this.#write.port(into, 0, numbers.port)
    return end
  }
}

function requestWriters(template: Template): RequestWriters {
  return {
    presentity: template.writer('presentity'),
    branch: template.writer('branch'),
    serial: template.writer('serial'),
    port: template.writer('port'),
  }
}

/** Text of a template: a PIDF document with a person’s activity (RFC 3863, RFC 4480), of exactly `PIDF_OCTETS`. */
export function pidf(entity: string): string {
  const before =
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" ' +
    'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" ' +
    `entity="${entity}">\n<tuple id="t1"><status><basic>open</basic></status>` +
    `<note xml:lang="en">change {serial:${SERIAL_DIGITS}}`
  const after =
    '</note></tuple>\n<dm:person id="p1"><rpid:activities><rpid:busy/></rpid:activities></dm:person></presence>\n'
  const octets = new Template(before + after).length
  return `${before}${' '.repeat(PIDF_OCTETS - octets)}${after}`
}
