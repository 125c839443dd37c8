# What a server asks, by the plan of xtask/src/truth/plan.rs, for Puma. Each of its threads has connections of its own.
require 'net/http'
require 'pg'
require 'redis'

class Calls
  def sql(name, seconds = 0.002)
    connection = Thread.current[:sql] ||=
      PG.connect(host: '127.0.0.1', port: ENV.fetch('POSTGRES_PORT'), user: 'postgres', dbname: 'postgres')
    connection.exec(%(SELECT pg_sleep(#{seconds}) AS "#{name}"))
  end

  def get(name)
    (Thread.current[:redis] ||= Redis.new(port: ENV.fetch('REDIS_PORT').to_i)).get(name)
  end

  def leaf(name)
    http = Thread.current[:http] ||= Net::HTTP.start('127.0.0.1', ENV.fetch('LEAF_PORT').to_i)
    http.get("/leaf/#{name}")
  end

  def work(name, mode)
    case mode
    when 'sequential'
      sql("#{name}_s1")
      get("#{name}_s2")
      leaf("#{name}_s3")
      sql("#{name}_s4")
    when 'fanout'
      threads = { sql: '_f1', get: '_f2', leaf: '_f3' }.map { |call, at| Thread.new { send(call, name + at) } }
      threads.each(&:join)
      threads.each { |thread| thread[:sql]&.close }
    when 'timer'
      sleep(0.003)
      sql("#{name}_t1")
      get("#{name}_t2")
      leaf("#{name}_t3")
    end
  end

  # What Puma calls for the parts of an answer.
  def stream(name)
    Enumerator.new do |parts|
      parts << 'o'
      sql("#{name}_c1")
      get("#{name}_c2")
      leaf("#{name}_c3")
      parts << "k\n"
    end
  end

  def late(name)
    sleep(0.002)
    sql("#{name}_l1")
    get("#{name}_l2")
    leaf("#{name}_l3")
  end

  def background
    (0..).each do |number|
      sleep(0.005)
      send(%i[sql get leaf][number % 3], "bg#{number}")
    end
  end
end

calls = Calls.new
Thread.new { calls.background }

run(lambda do |env|
  name, mode = env['QUERY_STRING'].split('&').map { |pair| pair.split('=').last }
  next [200, {}, calls.stream(name)] if mode == 'stream'

  calls.work(name, mode)
  env['rack.after_reply'] << -> { calls.late(name) } if mode == 'late'
  [200, { 'Content-Length' => '3' }, ["ok\n"]]
end)
