// Loaded by --import, with --expose-gc, into the Presence Server whose memory is measured: says what it holds when asked.
process.on('message', () => {
  // What was freed by finalizers of the first is collected by the second.
  globalThis.gc?.()
  globalThis.gc?.()
  process.send?.(process.memoryUsage())
})
process.channel?.unref()
