/**
 * What a watcher's SUBSCRIBE is worth (RFC 5025 section 3.2.1): refused, kept waiting for the presentity, answered as if
 * the presentity were away, or told the truth.
 */
export type SubHandling = 'block' | 'confirm' | 'polite-block' | 'allow'
