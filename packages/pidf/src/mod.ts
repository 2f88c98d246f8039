export { closedPidf, composePidf, type Publication } from './compose-pidf.ts'
export type { Basic, PidfDevice, PidfDocument, PidfNote, PidfPerson, PidfTimestamp, PidfTuple } from './document.ts'
export { PidfError, type PidfErrorCode } from './errors.ts'
export { NOTIFIED_LIMITS, PUBLISHED_LIMITS, type XmlLimits } from './limits.ts'
export type { NamespaceBinding } from './namespace-scope.ts'
export { type PidfSummary, readPidfSummary, type TupleSummary } from './pidf-summary.ts'
export { scanPidf } from './scan-pidf.ts'
export {
  readWatcherinfo,
  type Watcher,
  type WatcherEvent,
  type Watcherinfo,
  type WatcherStatus,
  writeWatcherinfo,
} from './watcherinfo.ts'
export { type PublishedPresence, writePidf } from './write-pidf.ts'
export { type XmlFragment, XmlScanner, type XmlToken } from './xml-scanner.ts'
export { escapeAttribute, escapeText } from './xml-text.ts'
