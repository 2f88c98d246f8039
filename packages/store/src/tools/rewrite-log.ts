import { decodeLogHeader, withEpoch } from '../log/log-message.ts'
import { decodeManifest, type Manifest } from '../snapshot/manifest.ts'

/**
 * Rewrites a partition's log for another stream, message by message. There each has another sequence, and epochs are sequences:
 * what belongs to an epoch whose message is in the log gets the number that that message has now, and the manifest names the mark
 * where it lies now. An epoch that lies below the mark keeps its number; that is smaller than any in the new stream, which begins
 * behind the last sequence of the old one.
 */
export class LogRewriter {
  readonly #before: Manifest | undefined
  readonly #epochs = new Map<bigint, bigint>()
  #lastEpoch: bigint | undefined
  #mark: number | undefined

  /** `manifest` as it lies in the store. @throws LogFormatError */
  constructor(manifest: string | null) {
    this.#before = manifest === null ? undefined : decodeManifest(Buffer.from(manifest))
  }

  /** The message as it is to be published. @throws LogFormatError */
  rewrite(message: Buffer): Buffer {
    const { kind, epoch } = decodeLogHeader(message)
    return kind === 'epoch' ? message : withEpoch(message, this.#epochs.get(epoch) ?? epoch)
  }

  /** A message was published: where it lay before, and where it lies now. */
  published(message: Buffer, before: number, now: number): void {
    const { kind } = decodeLogHeader(message)
    if (kind === 'epoch') {
      this.#lastEpoch = BigInt(now)
      this.#epochs.set(BigInt(before), this.#lastEpoch)
    }
    if (before === this.#before?.snapshot?.mark) this.#mark = now
  }

  /** The manifest as it is to be published when all messages were; undefined when there was none. */
  manifest(): Manifest | undefined {
    const { snapshot } = this.#before ?? {}
    if (!this.#before) return undefined
    const owner = Number(this.#lastEpoch ?? snapshot?.epoch ?? 0)
    if (!snapshot || this.#mark === undefined) return { owner, snapshot: undefined }
    const epoch = Number(this.#epochs.get(BigInt(snapshot.epoch)) ?? snapshot.epoch)
    return { owner, snapshot: { ...snapshot, mark: this.#mark, epoch } }
  }
}
