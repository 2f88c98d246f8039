import type { XmlElement } from '@rollcall/xml'
import { parseDocument } from '../edit/parse.ts'

/**
 * Trees of the documents that were read last: of one change many selectors ask for the same two versions. The octets must
 * stay as they are. Beyond `max` the oldest goes.
 */
export class DocumentTrees {
  readonly #max: number
  readonly #trees = new Map<Buffer, XmlElement>()

  constructor(max: number) {
    this.#max = max
  }

  /** Of a document that was stored, so that it can be read. */
  of(octets: Buffer): XmlElement {
    const known = this.#trees.get(octets)
    if (known) return known
    const tree = parseDocument(octets)
    this.#trees.set(octets, tree)
    const [oldest] = this.#trees.keys()
    if (oldest && this.#trees.size > this.#max) this.#trees.delete(oldest)
    return tree
  }
}
