-- In milliseconds: how long each connection of wrk waits before a request (see wrk.ts).
function delay()
  return 10
end
