import { decodeBatch, encodeBatch } from '../codec.ts'
import { createEnvelope } from '../envelope.ts'
import { responseBranch } from '../sip-scan.ts'
import type { OutStream, OutStreamHandlers } from '../stream.ts'

/** The peer's end of a stream, in the hand of the test. */
export class FakeStream implements OutStream {
  readonly handlers: OutStreamHandlers
  readonly received: { branch: string; deadlineMs: number }[] = []
  wantsMore = true
  state: 'open' | 'half-closed' | 'cancelled' = 'open'

  constructor(handlers: OutStreamHandlers) {
    this.handlers = handlers
  }

  end(): void {
    this.state = 'half-closed'
  }

  cancel(): void {
    this.state = 'cancelled'
  }

  write(batch: Buffer): boolean {
    for (const { sip, envelope } of decodeBatch(batch)) {
      this.received.push({ branch: responseBranch(sip) ?? '', deadlineMs: envelope?.deadlineMs ?? 0 })
    }
    return this.wantsMore
  }

  get branches(): string[] {
    return this.received.map(({ branch }) => branch)
  }

  answer(status: number, ...branches: string[]): void {
    const responses = branches.map((branch) => ({ sip: fakeResponse(branch, status), envelope: undefined }))
    this.handlers.onBatch(encodeBatch(responses))
  }

  /** Says 503, and that another replica may do better. */
  misdirect(branch: string): void {
    const envelope = createEnvelope({ misdirected: true })
    this.handlers.onBatch(encodeBatch([{ sip: fakeResponse(branch, 503), envelope }]))
  }
}

/** A request with this branch, and as little else as the hop needs. */
export function fakeRequest(branch: string): Buffer {
  return Buffer.from(`PUBLISH sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=${branch}\r\n\r\n`)
}

export function fakeResponse(branch: string, status = 200): Buffer {
  return Buffer.from(`SIP/2.0 ${status} X\r\nVia: SIP/2.0/UDP a;branch=${branch}\r\n\r\n`)
}
