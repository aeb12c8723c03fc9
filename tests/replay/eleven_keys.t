# An arm on the keyboard: with the eleventh key the oldest is forgotten.
down q 0
down w 10
down e 20
down r 30
down t 40
down y 50
down u 60
down i 70
down o 80
down p 90
down a 100
up q 200
up w 210
up a 300

hold left ring finger 200
flight left hand to left hand -190
hold left little finger 200
