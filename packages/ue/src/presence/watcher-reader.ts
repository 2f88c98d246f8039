import { readWatcherinfo, type Watcherinfo, WatcherTable } from '@rollcall/pidf'
import { XmlError } from '@rollcall/xml'

/**
 * Adds the documents of one subscription to watcher information up to a list, for a notifier tells what has changed.
 *
 * @see RFC 3858 section 4
 */
export class WatcherReader {
  readonly #table = new WatcherTable()

  /** The list; undefined before there is one. */
  get watchers(): Watcherinfo | undefined {
    return this.#table.whole
  }

  /** Takes a document; false when the list may be wrong from now on, until the notifier tells all of it. */
  take(body: Buffer): boolean {
    try {
      return this.#table.take(readWatcherinfo(body)) !== 'gap'
    } catch (error) {
      if (error instanceof XmlError) return false
      throw error
    }
  }
}
