import type { Watcher, Watcherinfo } from './watcherinfo.ts'

/** Watchers that a reader keeps: more than any document of ours has. */
const WATCHERS_MAX = 10_000

/**
 * What became of a document: `gap` says that one before it is missing, so that what is known may be wrong until all of it
 * is told; `stale` that a newer one has been read.
 */
export type WatcherinfoStep = 'taken' | 'gap' | 'stale'

/**
 * The list of watchers that the documents of one subscription add up to: a `full` one is the list, a `partial` one changes
 * it. Who has ended is in the list until the next document.
 *
 * @see RFC 3858 section 4
 */
export class WatcherTable {
  readonly #watchers = new Map<string, Watcher>()
  #last: Watcherinfo | undefined

  /** The list as one document; undefined before there was one. */
  get whole(): Watcherinfo | undefined {
    return this.#last && { ...this.#last, state: 'full', watchers: [...this.#watchers.values()] }
  }

  /** Takes the next document. After a `gap` ask the notifier for all: it tells that when it is subscribed to again. */
  take(info: Watcherinfo): WatcherinfoStep {
    const before = this.#last?.version
    if (before !== undefined && info.version <= before) return 'stale'
    const isFull = info.state === 'full'
    const isNext = isFull || (before !== undefined && info.version === before + 1)
    if (isFull) this.#watchers.clear()
    for (const [id, { status }] of this.#watchers) if (status === 'terminated') this.#watchers.delete(id)
    for (const watcher of info.watchers) {
      if (this.#watchers.size < WATCHERS_MAX || this.#watchers.has(watcher.id)) this.#watchers.set(watcher.id, watcher)
    }
    this.#last = info
    return isNext ? 'taken' : 'gap'
  }
}
