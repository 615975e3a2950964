"""A program that knows multiprocessing and nothing else."""

import logging
import logging.handlers
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed


def square(number):
    return number * number


def work(tasks, results):
    for number in iter(tasks.get, None):
        results.put((number, square(number)))
        tasks.task_done()
    tasks.task_done()


def echo(requests, answers):
    while True:
        request = requests.get()
        answers.put(request)
        if request is None:
            break


def log(records, number):
    logger = logging.getLogger("child")
    logger.handlers = [logging.handlers.QueueHandler(records)]
    logger.setLevel(logging.INFO)
    logger.info("from child %d", number)


class Collects(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def initialise(queue):
    global given
    given = queue


def through_given(number):
    given.put(number)
    return number


def main(method):
    multiprocessing.set_start_method(method)

    # Queue and JoinableQueue.
    tasks, results = multiprocessing.JoinableQueue(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(tasks, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(200):
        tasks.put(number)
    tasks.join()
    for _ in workers:
        tasks.put(None)
    tasks.join()
    for worker in workers:
        worker.join()
    print("tasks:", sum(square for _, square in (results.get() for _ in range(200))))

    # SimpleQueue.
    requests, answers = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()
    child = multiprocessing.Process(target=echo, args=(requests, answers), daemon=True)
    child.start()
    for request in ["x" * 200_000, {"a": 1}, None]:
        requests.put(request)
    print("echo:", len(answers.get()), answers.get(), answers.get())
    child.join()

    # Pool.
    given_to_all = multiprocessing.Queue()
    with multiprocessing.Pool(2, initialise, (given_to_all,)) as pool:
        print("map:", pool.map(square, range(10)))
        print("imap:", sorted(pool.imap_unordered(square, range(100), chunksize=7))[-1])
        print("starmap:", pool.starmap(pow, [(2, 3), (3, 2)]))
        print("apply:", pool.apply_async(square, (12,)).get())
        try:
            pool.apply(square, ("text",))
        except TypeError as error:
            print("error:", error)
        pool.map(through_given, range(5))
        print("given:", sorted(given_to_all.get() for _ in range(5)))
        pool.close()
        pool.join()

    # ProcessPoolExecutor.
    with ProcessPoolExecutor(2) as executor:
        futures = [executor.submit(square, number) for number in range(100)]
        print("futures:", sum(future.result() for future in as_completed(futures)))
        print("executor map:", sum(executor.map(square, range(1000), chunksize=10)))
        print("unpicklable:", type(executor.submit(square, lambda: 0).exception()).__name__ != "NoneType")

    # Logging.
    records, collects = multiprocessing.Queue(), Collects()
    listener = logging.handlers.QueueListener(records, collects)
    listener.start()
    children = [multiprocessing.Process(target=log, args=(records, number)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    listener.stop()
    print("log:", sorted(collects.messages))


if __name__ == "__main__":
    main(sys.argv[1])
