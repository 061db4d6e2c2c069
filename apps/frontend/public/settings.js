// Read by the pages before anything else. Whoever serves them may replace this file; no new build is needed.
// apiUrl: address of the api, such as 'https://api.example'. Empty: the address that the pages came from.
globalThis.urnaSettings = { apiUrl: '' }
