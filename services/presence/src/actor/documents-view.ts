import { isDeepStrictEqual } from 'node:util'
import type { Impu } from '@rollcall/core'
import {
  DocumentTrees,
  documentPath,
  partStateOf,
  patchOf,
  type StoredDocument,
  writeXcapDiff,
  type XcapChange,
  type XcapUri,
} from '@rollcall/xcap'
import { DOCUMENT_STEPS_MAX, DOCUMENTS_BODY_BYTES_MAX, PATCHED_OCTETS_MAX } from '../limits.ts'
import { type DocumentStep, documentKey, documentOfKey, usageOf } from './documents.ts'
import type { PresentityState } from './state.ts'
import { concerns, type DiffProcessing, nameIn, watchedBy, type XcapSelection } from './xcap-selection.ts'

type Documents = ReadonlyMap<string, StoredDocument>

/**
 * What a user's terminals are told of her documents at one moment: which there are, or what became of some since they were
 * told before.
 *
 * @see RFC 5875 sections 4.7 and 4.8; RFC 5874 section 3
 */
export class DocumentsView {
  readonly #documents: Documents
  /** In their order; undefined: all there is, as after a SUBSCRIBE. */
  readonly #steps: readonly DocumentStep[] | undefined

  private constructor(documents: Documents, steps: readonly DocumentStep[] | undefined) {
    this.#documents = documents
    this.#steps = steps
  }

  /** All there is now. */
  static whole({ documents }: PresentityState): DocumentsView {
    return new DocumentsView(new Map(documents?.entries()), undefined)
  }

  /** What has just become of some. */
  static since({ documents }: PresentityState, steps: readonly DocumentStep[]): DocumentsView {
    return new DocumentsView(new Map(documents?.entries()), steps)
  }

  /** This view in the name of one before it, which was not told. */
  replacing(replaced: DocumentsView): DocumentsView {
    if (!this.#steps || !replaced.#steps) return new DocumentsView(this.#documents, undefined)
    const steps = [...replaced.#steps, ...this.#steps]
    return new DocumentsView(this.#documents, steps.length > DOCUMENT_STEPS_MAX ? merged(steps) : steps)
  }

  /** Whether it says anything of what somebody watches. */
  concerns({ selectors }: XcapSelection, own: Impu): boolean {
    return selectors.some((selector) => {
      const resource = watchedBy(selector)
      if (!resource) return false
      if (resource.kind === 'part') return this.#partOf(selector, resource.uri).length > 0
      return !this.#steps || this.#steps.some(({ key }) => concerns(resource, key, own))
    })
  }

  body({ root, selectors, processing }: XcapSelection, own: Impu): Buffer {
    const octets = writeXcapDiff(root, this.#rows(selectors, processing, own))
    // guard: documents-body — a message that no node takes would come back for ever, and hold up all others
    if (octets.length <= DOCUMENTS_BODY_BYTES_MAX) return octets
    return writeXcapDiff(root, this.#rows(selectors, 'brief', own))
  }

  /** What several selectors name is told once. */
  #rows(selectors: readonly string[], how: DiffProcessing | 'brief', own: Impu): readonly XcapChange[] {
    const rows = new Map<string, XcapChange>()
    const patches = new Patches()
    for (const selector of selectors) {
      for (const row of this.#changesOf(selector, how, own, patches)) rows.set(keyOf(row), row)
    }
    return [...rows.values()]
  }

  #changesOf(selector: string, how: DiffProcessing | 'brief', own: Impu, patches: Patches): readonly XcapChange[] {
    const resource = watchedBy(selector)
    if (!resource) return []
    // `Choice:` what of a part does not fit into a message is told of its document.
    if (resource.kind === 'part' && how !== 'brief') return this.#partOf(selector, resource.uri)
    // Under the very name by which it was asked for (RFC 5875 section 4.6).
    const selOf = (key: string): string => {
      if (resource.kind === 'document') return selector
      return documentPath({ ...documentOfKey(key), tree: { kind: 'users', xui: nameIn(resource, own) } })
    }
    const isMeant = (key: string): boolean => concerns(resource, key, own)
    if (!this.#steps) {
      return [...this.#documents]
        .filter(([key]) => isMeant(key))
        .map(([key, { etag }]) => ({ kind: 'document', sel: selOf(key), previousEtag: undefined, newEtag: etag }))
    }
    const steps = this.#steps.filter(({ key }) => isMeant(key))
    const isPatched = how === 'aggregate' || how === 'xcap-patching'
    return (how === 'aggregate' || how === 'brief' ? merged(steps) : steps).map((step) => ({
      kind: 'document',
      sel: selOf(step.key),
      previousEtag: step.before?.etag,
      newEtag: step.after?.etag,
      patch: isPatched ? patches.of(step) : undefined,
    }))
  }

  /** A part as it is now, when it is not as it was; one that was never there is not told. */
  #partOf(selector: string, uri: XcapUri): readonly XcapChange[] {
    const usage = usageOf(uri.auid)
    if (!usage) return []
    const key = documentKey(uri.auid, uri.document)
    const now = partStateOf(selector, uri, this.#documents.get(key)?.octets, usage, TREES)
    const [step] = merged(this.#steps?.filter((one) => one.key === key) ?? [])
    if (this.#steps && !step) return []
    const before = partStateOf(selector, uri, step?.before?.octets, usage, TREES)
    return isDeepStrictEqual(before, now) ? [] : [now]
  }
}

/** Versions of documents that are read for what is told now; the terminals of one user ask for the same. */
const TREES = new DocumentTrees(4)

/** The patches of one body. */
class Patches {
  #octets = 0

  of({ before, after }: DocumentStep): ReturnType<typeof patchOf> {
    if (!before || !after) return undefined
    this.#octets += before.octets.length + after.octets.length
    // guard: documents-patched — to compare documents takes time, which others wait for
    return this.#octets <= PATCHED_OCTETS_MAX ? patchOf(before.octets, after.octets, TREES) : undefined
  }
}

function keyOf(row: XcapChange): string {
  return row.kind === 'document' ? `${row.sel} ${row.previousEtag} ${row.newEtag}` : `${row.kind} ${row.sel}`
}

/** Each document once: as it was at first, and as it is at last. What came and went meanwhile is not told. */
function merged(steps: readonly DocumentStep[]): DocumentStep[] {
  const byKey = new Map<string, DocumentStep>()
  for (const step of steps) byKey.set(step.key, { ...step, before: (byKey.get(step.key) ?? step).before })
  return [...byKey.values()].filter(({ before, after }) => before || after)
}
