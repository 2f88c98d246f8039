/**
 * One guard: the line of code that a claim of ours stands on. It is marked where it stands, with
 * `// guard: NAME — why` directly above it; here is how it is taken out, and which tests notice.
 */
export interface Guard {
  readonly name: string
  /** Where it stands, from the top folder. */
  readonly file: string
  /** The code that is the guard. It must be found exactly once in the lines behind the marker. */
  readonly code: string
  /** The code without it: it must still load. */
  readonly without: string
  /** Test files of which at least one must turn red. */
  readonly tests: readonly string[]
}

/** The guard's code begins within so many lines of its marker. */
const REACH_LINES = 12
const MARKER = /^[ \t]*\/\/ guard: (\S+) — \S.*$/
/** What looks like a marker and may be a misspelt one. */
const NEARLY = /^\s*(?:\/\/|\*)\s*guards?\b[^\w\s]/i

/** A marker in a file. */
export interface Marker {
  readonly name: string
  /** From 1. */
  readonly line: number
}

/** The markers of a file, and lines that are nearly one. */
export function markersIn(text: string): { readonly markers: readonly Marker[]; readonly misspelt: readonly number[] } {
  const markers: Marker[] = []
  const misspelt: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const name = MARKER.exec(line)?.[1]
    if (name !== undefined) markers.push({ name, line: index + 1 })
    else if (NEARLY.test(line)) misspelt.push(index + 1)
  }
  return { markers, misspelt }
}

/** The file's text with the guard taken out, or what keeps it from being taken out. */
export function withoutGuard(text: string, guard: Guard): { readonly text: string } | { readonly problem: string } {
  const found = markersIn(text).markers.filter(({ name }) => name === guard.name)
  const [marker] = found
  if (!marker || found.length > 1) return { problem: `${found.length} markers in ${guard.file}` }
  const lines = text.split('\n')
  const end = marker.line + REACH_LINES
  const pieces = lines.slice(marker.line, end).join('\n').split(guard.code)
  if (pieces.length !== 2) return { problem: `its code is there ${pieces.length - 1} times behind the marker` }
  return { text: [...lines.slice(0, marker.line), pieces.join(guard.without), ...lines.slice(end)].join('\n') }
}
