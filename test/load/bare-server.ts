import { createServer } from 'node:http'

/** The yardstick of the benchmark: a server that does nothing but parse the same JSON and answer. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    response.writeHead(202, { 'content-type': 'application/json' })
    response.end('{"status":"received"}')
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
