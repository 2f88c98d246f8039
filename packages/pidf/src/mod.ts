export { closedPidf, composePidf, type Publication } from './compose-pidf.ts'
export { parseDateTime } from './date-time.ts'
export type { Basic, PidfDevice, PidfDocument, PidfNote, PidfPerson, PidfTimestamp, PidfTuple } from './document.ts'
export { NOTIFIED_LIMITS, PUBLISHED_LIMITS } from './limits.ts'
export { type PidfSummary, readPidfSummary, type TupleSummary } from './pidf-summary.ts'
export { scanPidf } from './scan-pidf.ts'
export { type WatcherinfoStep, WatcherTable } from './watcher-table.ts'
export {
  readWatcherinfo,
  type Watcher,
  type WatcherEvent,
  type Watcherinfo,
  type WatcherStatus,
  writeWatcherinfo,
} from './watcherinfo.ts'
export { type PublishedPresence, writePidf } from './write-pidf.ts'
